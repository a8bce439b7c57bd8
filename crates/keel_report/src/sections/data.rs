//! The data: splits, the columns of a table, and statistics of every feature or channel before and after preprocessing.

use keel_data::{Moments, PreprocessStatistics};
use keel_page::charts::{Marks, Plot, Series, escape, number};
use keel_page::{Language, Text};

use super::overview::grouped;
use super::{Contents, columns};

/// Maximum number of features listed; more are shown as a cloud.
const LISTED: usize = 24;

/// Maximum number of points in the cloud.
const POINTS: usize = 1_500;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { evaluation, language, .. } = *contents;
    let mut html = String::new();
    if let Some([train, validation, test]) = evaluation.splits {
        let [train, validation, test] = [train, validation, test].map(|samples| grouped(samples as u64));
        html.push_str(&match language {
            Language::English => format!(
                "<p class=\"lead\"><b>{train}</b> samples to train on, <b>{validation}</b> for validation, <b>{test}</b> for the test.</p>"
            ),
            Language::Chinese => {
                format!("<p class=\"lead\">训练 <b>{train}</b> 个样本，验证 <b>{validation}</b> 个，测试 <b>{test}</b> 个。</p>")
            }
        });
    }
    if let Some(summary) = &contents.record.summary {
        html.push_str(&columns::table(&summary.columns, language));
    }
    if !evaluation.preprocessing.is_empty() {
        let items: String = evaluation.preprocessing.iter().map(|step| format!("<li>{}</li>", escape(step))).collect();
        let title = language.choose("Preprocessing, fitted on the training split", "预处理（仅由训练集拟合）");
        html.push_str(&format!("<h3>{title}</h3><ol>{items}</ol>"));
    }
    if let Some(statistics) = &evaluation.statistics {
        html.push_str(&match statistics.before.len().max(statistics.after.len()) <= LISTED {
            true => table(statistics, language),
            false => clouds(statistics, language),
        });
    }
    html
}

fn table(statistics: &PreprocessStatistics, language: Language) -> String {
    let rows = statistics.before.len().max(statistics.after.len());
    let same = statistics.before.len() == statistics.after.len();
    let mut body = String::new();
    for index in 0..rows {
        let name = match statistics.names.get(index).filter(|_| same || index < statistics.before.len()) {
            Some(name) => escape(name),
            None => index.to_string(),
        };
        let cells = [statistics.before.get(index), statistics.after.get(index)].map(moments_cells);
        body.push_str(&format!("<tr><td>{name}</td>{}</tr>", cells.concat()));
    }
    let heads = match language {
        Language::English => ["mean", "std", "smallest", "largest"],
        Language::Chinese => ["均值", "标准差", "最小", "最大"],
    };
    let head: String = heads.iter().chain(&heads).map(|head| format!("<th>{head}</th>")).collect();
    let (before, after) = (language.choose("before", "之前"), language.choose("after", "之后"));
    let what = language.choose("feature", "特征");
    format!(
        "<div class=\"table\"><table class=\"statistics\"><thead><tr><td></td><th colspan=\"4\">{before}</th><th colspan=\"4\">{after}</th></tr>\
         <tr><th>{what}</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

fn moments_cells(moments: Option<&Moments>) -> String {
    match moments {
        Some(moments) => [moments.mean, moments.std(), moments.min, moments.max]
            .map(|value| format!("<td>{}</td>", number(value)))
            .concat(),
        None => "<td></td>".repeat(4),
    }
}

/// Plots standard deviation against mean of every feature, before and after preprocessing.
fn clouds(statistics: &PreprocessStatistics, language: Language) -> String {
    let sides = [
        (Text::new("std before preprocessing", "预处理前的标准差"), &statistics.before, 0),
        (Text::new("std after preprocessing", "预处理后的标准差"), &statistics.after, 2),
    ];
    let figures: String = sides
        .into_iter()
        .map(|(title, moments, colour)| {
            let step = moments.len().div_ceil(POINTS).max(1);
            let points = moments.iter().step_by(step).map(|moments| (moments.mean, moments.std())).collect();
            let plot = Plot::new(Text::new("mean of a feature", "特征的均值"), title)
                .with(Series::new(Text::new("features", "特征"), points, Marks::Points).coloured(colour))
                .small();
            format!("<figure>{}</figure>", plot.html(language))
        })
        .collect();
    format!("<div class=\"grid-2\">{figures}</div>")
}
