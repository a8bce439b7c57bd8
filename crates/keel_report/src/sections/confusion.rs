//! Confusion matrix, and metrics of each class.

use keel_page::Language;
use keel_train::metrics::{ClassMetrics, ConfusionMatrix, Metrics};
use maud::{Markup, html};

use super::Contents;
use super::numbers::percent;
use crate::elements;

/// Maximum number of classes shown with numbers; larger matrices are squares with numbers on hover.
const NUMBERED: usize = 16;

/// Maximum number of classes before their metrics are folded.
const UNFOLDED: usize = 25;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { evaluation, language, .. } = *contents;
    let Some((metrics, of)) = metrics(contents) else { return Markup::default() };
    let Some(confusion) = &metrics.confusion else { return Markup::default() };
    let names: Vec<String> = match metrics.classes.is_empty() {
        true => evaluation.class_names.clone(),
        false => metrics.classes.iter().map(|class| class.name.clone()).collect(),
    };
    if names.is_empty() || names.len() != confusion.counts.len() {
        return Markup::default();
    }
    let matrix = match names.len() <= NUMBERED {
        true => numbered(confusion, &names, language),
        false => squares(confusion, &names, language),
    };
    html! {
        p.lead { (of) }
        div.grid-confusion { (matrix) (most_confused(confusion, &names, language)) }
        (classes(&metrics.classes, language))
    }
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
    let samples = super::numbers::grouped(metrics.samples);
    let text = match language {
        Language::English => {
            format!("{samples} samples of the {part}. Rows are true classes, columns predicted classes.")
        }
        Language::Chinese => format!("{part}的 {samples} 个样本。每一行对应一个真实类别，每一列对应一个预测类别。"),
    };
    Some((metrics, text))
}

fn share(count: u64, row: &[u64]) -> f64 {
    let total: u64 = row.iter().sum();
    if total == 0 { 0.0 } else { count as f64 / total as f64 }
}

/// Returns the class of a cell: `right` on the diagonal, `wrong` elsewhere.
fn tone(truth: usize, predicted: usize) -> &'static str {
    if truth == predicted { "right" } else { "wrong" }
}

/// Renders a table with counts and shares, coloured by share.
fn numbered(confusion: &ConfusionMatrix, names: &[String], language: Language) -> Markup {
    let titles = html! {
        td { (language.choose("true \\ predicted", "真实 \\ 预测")) }
        (elements::scoped_titles(names))
    };
    let rows = confusion.counts.iter().enumerate().map(|(truth, counts)| {
        html! {
            tr {
                th scope="row" { (names[truth]) }
                @for (predicted, &count) in counts.iter().enumerate() {
                    @let share = share(count, counts);
                    @let percent = format!("{:.0}", share * 100.0);
                    td.(tone(truth, predicted)).strong[share > 0.55] style={ "--share:" (percent) "%" } {
                        @if count > 0 { b { (count) } i { (percent) "\u{202f}%" } }
                    }
                }
            }
        }
    });
    elements::table(Some("confusion"), &titles, rows)
}

/// Renders a drawing for many classes: one square per pair that occurs.
fn squares(confusion: &ConfusionMatrix, names: &[String], language: Language) -> Markup {
    let classes = names.len();
    let label = language.choose("confusion matrix", "混淆矩阵");
    html! {
        figure.squares {
            svg viewBox={ "0 0 " (classes) " " (classes) } role="img" aria-label=(label) {
                rect.ground width=(classes) height=(classes) {}
                @for (truth, counts) in confusion.counts.iter().enumerate() {
                    @for (predicted, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                        @let (share, class) = (share(count, counts), tone(truth, predicted));
                        @let (opacity, percent) = (format!("{:.2}", 0.12 + 0.88 * share), format!("{:.0}", share * 100.0));
                        rect.(class) x=(predicted) y=(truth) width="1" height="1" fill-opacity=(opacity) {
                            title { (names[truth]) " → " (names[predicted]) ": " (count) " (" (percent) " %)" }
                        }
                    }
                }
            }
        }
    }
}

/// Renders the pairs of classes that are confused most often.
fn most_confused(confusion: &ConfusionMatrix, names: &[String], language: Language) -> Markup {
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
        let text = language.choose("No sample was assigned to a wrong class.", "没有样本被误分。");
        return html! { p.calm { (text) } };
    }
    html! {
        div.confused {
            h3 { (language.choose("Most often confused", "最常混淆")) }
            ol {
                @for (count, truth, predicted) in pairs {
                    @let share = percent(share(count, &confusion.counts[truth]));
                    li { b { (names[truth]) } " → " b { (names[predicted]) } " " span { (count) " · " (share) } }
                }
            }
        }
    }
}

/// Renders precision, recall and F1 of each class, with a bar for F1.
fn classes(classes: &[ClassMetrics], language: Language) -> Markup {
    if classes.is_empty() {
        return Markup::default();
    }
    let titles = match language {
        Language::English => ["class", "samples", "precision", "recall", "F1"],
        Language::Chinese => ["类别", "样本数", "精确率", "召回率", "F1"],
    };
    let titles = html! { (elements::titles(titles)) td {} };
    let table = elements::table(Some("classes"), &titles, classes.iter().map(row));
    if classes.len() <= UNFOLDED {
        return table;
    }
    html! {
        details { summary { (language.choose("Every class", "所有类别")) " (" (classes.len()) ")" } (table) }
    }
}

fn row(class: &ClassMetrics) -> Markup {
    html! {
        tr {
            td { (class.name) }
            td { (class.samples) }
            td { (percent(class.precision)) }
            td { (percent(class.recall)) }
            td { (percent(class.f1)) }
            td.bar-cell { i style={ "width:" (format!("{:.1}", 100.0 * class.f1)) "%" } {} }
        }
    }
}
