//! Confusion matrix, and metrics of each class.

use keel_page::Language;
use keel_page::charts::escape;
use keel_train::metrics::{ClassMetrics, ConfusionMatrix, Metrics};

use super::Contents;
use super::overview::percent;

/// Maximum number of classes shown with numbers; larger matrices are squares with numbers on hover.
const NUMBERED: usize = 16;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { evaluation, language, .. } = *contents;
    let Some((metrics, of)) = metrics(contents) else { return String::new() };
    let Some(confusion) = &metrics.confusion else { return String::new() };
    let names: Vec<String> = match metrics.classes.is_empty() {
        true => evaluation.class_names.clone(),
        false => metrics.classes.iter().map(|class| class.name.clone()).collect(),
    };
    if names.is_empty() || names.len() != confusion.counts.len() {
        return String::new();
    }
    let matrix = match names.len() <= NUMBERED {
        true => numbered(confusion, &names, language),
        false => squares(confusion, &names, language),
    };
    format!(
        "<p class=\"lead\">{of}</p><div class=\"grid-confusion\">{matrix}{}</div>{}",
        most_confused(confusion, &names, language),
        classes(&metrics.classes, language)
    )
}

/// Returns the test results of the summary, or those of the evaluated model before the run has ended, with their description.
fn metrics<'a>(contents: &'a Contents<'_>) -> Option<(&'a Metrics, String)> {
    let Contents { record, evaluation, language } = contents;
    let summary = record.summary.as_ref().map(|summary| &summary.metrics);
    let stored = summary.and_then(|metrics| metrics.test.as_ref().map(|test| (test, "test")));
    let stored =
        stored.or_else(|| summary.and_then(|metrics| metrics.validation.as_ref().map(|part| (part, "validation"))));
    let answered = evaluation.metrics.as_ref().map(|metrics| (metrics, evaluation.part));
    let (metrics, part) = stored.filter(|(metrics, _)| metrics.confusion.is_some()).or(answered)?;
    let part = match part {
        "test" => language.choose("test split", "测试集"),
        _ => language.choose("validation split", "验证集"),
    };
    let samples = super::overview::grouped(metrics.samples);
    let text = match language {
        Language::English => {
            format!("{samples} samples of the {part}. Rows are true classes, columns predicted classes.")
        }
        Language::Chinese => format!("{part}的 {samples} 个样本。行为真实类别，列为预测类别。"),
    };
    Some((metrics, text))
}

fn share(count: u64, row: &[u64]) -> f64 {
    let total: u64 = row.iter().sum();
    if total == 0 { 0.0 } else { count as f64 / total as f64 }
}

/// Renders a table with counts and shares, coloured by share.
fn numbered(confusion: &ConfusionMatrix, names: &[String], language: Language) -> String {
    let head: String = names.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let mut rows = String::new();
    for (truth, counts) in confusion.counts.iter().enumerate() {
        rows.push_str(&format!("<tr><th scope=\"row\">{}</th>", escape(&names[truth])));
        for (predicted, &count) in counts.iter().enumerate() {
            let share = share(count, counts);
            let class = if truth == predicted { "right" } else { "wrong" };
            let strong = if share > 0.55 { " strong" } else { "" };
            let text =
                if count == 0 { String::new() } else { format!("<b>{}</b><i>{:.0}&#8239;%</i>", count, share * 100.0) };
            rows.push_str(&format!(
                "<td class=\"{class}{strong}\" style=\"--share:{:.0}%\">{text}</td>",
                share * 100.0
            ));
        }
        rows.push_str("</tr>");
    }
    let corner = language.choose("true \\ predicted", "真实 \\ 预测");
    format!(
        "<div class=\"table\"><table class=\"confusion\"><thead><tr><td>{corner}</td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// Renders a drawing for many classes: one square per pair that occurs.
fn squares(confusion: &ConfusionMatrix, names: &[String], language: Language) -> String {
    let classes = names.len();
    let mut marks = String::new();
    for (truth, counts) in confusion.counts.iter().enumerate() {
        for (predicted, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let share = share(count, counts);
            let class = if truth == predicted { "right" } else { "wrong" };
            marks.push_str(&format!(
                "<rect class=\"{class}\" x=\"{predicted}\" y=\"{truth}\" width=\"1\" height=\"1\" fill-opacity=\"{:.2}\"><title>{} → {}: {count} ({:.0} %)</title></rect>",
                0.12 + 0.88 * share,
                escape(&names[truth]),
                escape(&names[predicted]),
                share * 100.0
            ));
        }
    }
    let label = language.choose("confusion matrix", "混淆矩阵");
    format!(
        "<figure class=\"squares\"><svg viewBox=\"0 0 {classes} {classes}\" role=\"img\" aria-label=\"{label}\"><rect class=\"ground\" width=\"{classes}\" height=\"{classes}\"/>{marks}</svg></figure>"
    )
}

/// Renders the pairs of classes that are confused most often.
fn most_confused(confusion: &ConfusionMatrix, names: &[String], language: Language) -> String {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (truth, counts) in confusion.counts.iter().enumerate() {
        pairs.extend(
            counts
                .iter()
                .enumerate()
                .filter(|(predicted, count)| *predicted != truth && **count > 0)
                .map(|(p, &count)| (count, truth, p)),
        );
    }
    pairs.sort_by_key(|&(count, truth, predicted)| (std::cmp::Reverse(count), truth, predicted));
    pairs.truncate(8);
    if pairs.is_empty() {
        return format!(
            "<p class=\"calm\">{}</p>",
            language.choose("No sample was assigned to a wrong class.", "没有样本被误分。")
        );
    }
    let items: String = pairs
        .iter()
        .map(|&(count, truth, predicted)| {
            let share = share(count, &confusion.counts[truth]);
            format!(
                "<li><b>{}</b> → <b>{}</b> <span>{count} · {}</span></li>",
                escape(&names[truth]),
                escape(&names[predicted]),
                percent(share)
            )
        })
        .collect();
    format!(
        "<div class=\"confused\"><h3>{}</h3><ol>{items}</ol></div>",
        language.choose("Most often confused", "最常混淆")
    )
}

/// Renders precision, recall and F1 of each class, with a bar for F1.
fn classes(classes: &[ClassMetrics], language: Language) -> String {
    if classes.is_empty() {
        return String::new();
    }
    let row = |class: &ClassMetrics| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"bar-cell\"><i style=\"width:{:.1}%\"></i></td></tr>",
            escape(&class.name),
            class.samples,
            percent(class.precision),
            percent(class.recall),
            percent(class.f1),
            100.0 * class.f1
        )
    };
    let rows: String = classes.iter().map(row).collect();
    let heads = match language {
        Language::English => ["class", "samples", "precision", "recall", "F1", ""],
        Language::Chinese => ["类别", "样本数", "精确率", "召回率", "F1", ""],
    };
    let title = |head: &&str| if head.is_empty() { "<td></td>".to_owned() } else { format!("<th>{head}</th>") };
    let head: String = heads.iter().map(title).collect();
    let table = format!(
        "<div class=\"table\"><table class=\"classes\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    );
    if classes.len() <= 25 {
        return table;
    }
    let title = language.choose("Every class", "所有类别");
    format!("<details><summary>{title} ({})</summary>{table}</details>", classes.len())
}
