//! The columns the model relies on.

use keel_page::charts::{Dots, number};
use keel_page::{Language, Text};
use keel_train::metrics::{MetricName, Metrics};
use keel_train::{ColumnImportance, Importance};
use maud::{Markup, html};

use super::Contents;
use super::metrics::title;
use super::numbers::{grouped, value_text};
use crate::elements;

/// Maximum number of columns in the chart.
const SHOWN: usize = 20;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let Some(importance) = &record.importance else { return Markup::default() };
    let name = |language| title(importance.metric, &Metrics::default(), language);
    let axis = Text::new(
        format!("how much worse {} gets", name(Language::English)),
        format!("{}变差的幅度", name(Language::Chinese)),
    );
    let shown = importance.columns.iter().take(SHOWN);
    let chart = shown.fold(Dots::new(axis), |chart, column| chart.with(column.name.as_str(), column.drops.clone()));
    html! {
        p.lead { (lead(importance, &name(language), language)) }
        figure { (chart.html(language)) }
        (table(importance, language))
    }
}

fn lead(importance: &Importance, name: &str, language: Language) -> String {
    let score = value_text(importance.metric, importance.score);
    let (samples, repeats) = (grouped(importance.samples), importance.repeats);
    let part = match (importance.part.as_str(), language) {
        ("test", Language::Chinese) => "测试集",
        ("validation", Language::Chinese) => "验证集",
        (part, _) => part,
    };
    match language {
        Language::English => format!(
            "On {samples} samples ({part}), {name} is {score}. Each dot shows how much worse it gets when the values \
             of one column are exchanged between these samples, {repeats} times; the bar is the mean. Columns with \
             the same information can replace each other, so that both look unimportant."
        ),
        Language::Chinese => format!(
            "在 {samples} 个样本（{part}）上，{name}为 {score}。每个点表示将某一列的取值在样本之间随机置换后该指标变差的幅度，重复 {repeats} \
             次，竖线为均值。含义相近的列可以相互替代，因而看起来都不重要。"
        ),
    }
}

fn table(importance: &Importance, language: Language) -> Markup {
    let text = |value: f64| match importance.metric {
        metric if metric.is_share() => value_text(metric, value),
        MetricName::Auto => String::new(),
        _ => number(value),
    };
    let row = |column: &ColumnImportance| {
        html! {
            tr { td { (column.name) } td { (text(column.mean)) } td { (text(column.std)) } }
        }
    };
    let titles = match language {
        Language::English => ["column", "mean", "standard deviation"],
        Language::Chinese => ["列", "均值", "标准差"],
    };
    html! {
        details {
            summary { (language.choose("Every column", "所有列")) " (" (importance.columns.len()) ")" }
            (elements::table(None, &elements::titles(titles), importance.columns.iter().map(row)))
        }
    }
}
