//! Metrics of the three splits compared with a constant guess; calibration and ROC curve.

use keel_page::charts::{Marks, Plot, Series, number};
use keel_page::{Language, Text};
use keel_train::metrics::{Baseline, CalibrationBin, Guess, MetricName, Metrics};
use maud::{Markup, html};

use super::Contents;
use super::numbers::{grouped, percent, value_text};
use crate::elements;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let Some(summary) = &record.summary else { return Markup::default() };
    let parts = [
        (("training", "训练"), &summary.metrics.train),
        (("validation", "验证"), &summary.metrics.validation),
        (("test", "测试"), &summary.metrics.test),
    ];
    let present: Vec<Part<'_>> = parts
        .iter()
        .filter_map(|(name, metrics)| Some(Part { name: language.choose(name.0, name.1), metrics: metrics.as_ref()? }))
        .collect();
    let Some(&last) = present.last() else { return Markup::default() };
    let notes = notes(&present, language);
    let charts: Vec<Markup> = [calibration(last, language), roc(last, language)].into_iter().flatten().collect();
    html! {
        (table(&present, language))
        @if !notes.is_empty() { ul.lead { @for note in notes { li { (note) } } } }
        @if !charts.is_empty() { div.grid-2 { @for chart in charts { (chart) } } }
    }
}

/// Metrics of one split.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// Displayed name of the split.
    name: &'a str,
    metrics: &'a Metrics,
}

/// Renders one row per metric and one column per part, with the score of a constant guess on the last part.
fn table(parts: &[Part<'_>], language: Language) -> Markup {
    let Some(&Part { name: last, metrics: shown }) = parts.last() else { return Markup::default() };
    let baseline = shown.baseline.as_ref();
    let titles = html! {
        th { (language.choose("metric", "指标")) }
        @for part in parts { th { (part.name) } }
        @if let Some(baseline) = baseline { th { (last) (language.choose(": ", "：")) (guess(baseline, language)) } }
    };
    let text = |metric: MetricName, value: Option<f64>, missing: &str| {
        value.map_or_else(|| missing.to_owned(), |value| value_text(metric, value))
    };
    let undefined = language.choose("undefined", "无定义");
    let row = |&metric: &MetricName| {
        html! {
            tr {
                td { (title(metric, shown, language)) }
                @for part in parts { td { (text(metric, metric.value(part.metrics), undefined)) } }
                @if let Some(baseline) = baseline { td { (text(metric, baseline.value(metric), "–")) } }
            }
        }
    };
    let samples = html! {
        tr {
            td { (language.choose("samples", "样本数")) }
            @for part in parts { td { (grouped(part.metrics.samples)) } }
            @if baseline.is_some() { td {} }
        }
    };
    elements::table(None, &titles, shown.shown().iter().map(row).chain([samples]))
}

/// Describes the guess of a baseline.
fn guess(baseline: &Baseline, language: Language) -> String {
    match (baseline.guess, &baseline.class) {
        (Guess::Mean, _) => language.choose("training mean", "均值基线（总是预测训练集均值）").to_owned(),
        (Guess::LargestClass, None) => language.choose("largest class", "多数类基线").to_owned(),
        (Guess::LargestClass, Some(class)) => match language {
            Language::English => format!("largest class ({class})"),
            Language::Chinese => format!("多数类基线（总是预测类别 {class}）"),
        },
    }
}

/// Returns reasons for undefined metrics, and samples without a result, one sentence each.
fn notes(parts: &[Part<'_>], language: Language) -> Vec<String> {
    let mut notes = Vec::new();
    for Part { name: part, metrics } in parts {
        for (metric, reason) in &metrics.undefined {
            let name =
                MetricName::with_name(metric).map_or_else(|| metric.clone(), |name| title(name, metrics, language));
            notes.push(match language {
                Language::English => format!("{part}: {name} is undefined ({reason})."),
                Language::Chinese => format!("{part}：{name}无定义（{}）。", reason_in_chinese(reason)),
            });
        }
        if let Some(left_out) = &metrics.left_out {
            let (count, first) = (grouped(left_out.samples), left_out.first.join("; "));
            notes.push(match language {
                Language::English => format!("{part}: {count} samples without a finite result are left out: {first}."),
                Language::Chinese => format!("{part}：{count} 个样本没有有限的结果，未计入：{first}。"),
            });
        }
    }
    notes
}

/// Plots accuracy against confidence: on the diagonal, probabilities are calibrated.
fn calibration(part: Part<'_>, language: Language) -> Option<Markup> {
    let Part { name: part, metrics } = part;
    if metrics.calibration.is_empty() {
        return None;
    }
    let points = metrics.calibration.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
    let plot = Plot::new(
        Text::new("probability of the predicted class", "预测类别的概率"),
        Text::new("share of right predictions", "预测正确的比例"),
    )
    .with(Series::new(Text::new("predictions", "预测"), points, Marks::LineAndPoints))
    .with(diagonal(Text::new("perfectly calibrated", "完全校准")))
    .x_range(0.0, 1.0)
    .y_range(0.0, 1.0);
    let error = metrics.calibration_error.map(number).unwrap_or_default();
    let bins: Vec<String> = metrics.calibration.iter().map(|bin| bin_text(bin, language)).collect();
    let text = match language {
        Language::English => format!(
            "Calibration on the {part} split, expected calibration error {error}; below the line the model is overconfident. Share \
             of right predictions by probability: {}.",
            bins.join("; ")
        ),
        Language::Chinese => format!(
            "{part}集上的校准，期望校准误差为 {error}。位于对角线下方表示模型过于自信。各概率区间的准确率：{}。",
            bins.join("；")
        ),
    };
    Some(elements::captioned(&plot, &text, language))
}

fn bin_text(bin: &CalibrationBin, language: Language) -> String {
    let (low, high) = (format!("{:.0}", 100.0 * bin.low), format!("{:.0} %", 100.0 * bin.high));
    let (accuracy, samples) = (percent(bin.accuracy), grouped(bin.samples));
    match language {
        Language::English if bin.samples == 1 => format!("{low} to {high}: {accuracy} of 1 sample"),
        Language::English => format!("{low} to {high}: {accuracy} of {samples} samples"),
        Language::Chinese => format!("{low} 至 {high}：{samples} 个样本，准确率 {accuracy}"),
    }
}

fn roc(part: Part<'_>, language: Language) -> Option<Markup> {
    let Part { name: part, metrics } = part;
    let (Some(area), false) = (metrics.roc_auc, metrics.roc_curve.is_empty()) else { return None };
    let plot = Plot::new(Text::new("false positive rate", "假阳性率"), Text::new("true positive rate", "真阳性率"))
        .with(Series::new(Text::new("model", "模型"), metrics.roc_curve.clone(), Marks::Line))
        .with(diagonal(Text::new("guessing", "随机猜测")))
        .x_range(0.0, 1.0)
        .y_range(0.0, 1.0);
    let positive = metrics.classes.get(1).map(|class| class.name.as_str()).unwrap_or_default();
    let at = |rate: f64| {
        let reached = metrics.roc_curve.iter().filter(|point| point.0 <= rate).map(|point| point.1);
        percent(reached.fold(0.0, f64::max))
    };
    let (few, many) = (at(0.05), at(0.2));
    let text = match language {
        Language::English => format!(
            "ROC curve of class {positive} on the {part} split, area {}. With at most 5 % false alarms {few} of the class are \
             found, with at most 20 % {many}.",
            number(area)
        ),
        Language::Chinese => format!(
            "{part}集上类别 {positive} 的 ROC 曲线，曲线下面积 {}。假阳性率不超过 5 % 时召回率为 {few}，不超过 20 % 时为 {many}。",
            number(area)
        ),
    };
    Some(elements::captioned(&plot, &text, language))
}

fn diagonal(name: Text) -> Series {
    Series::new(name, vec![(0.0, 0.0), (1.0, 1.0)], Marks::Dashed).coloured(7)
}

/// Returns the name of a metric in the reader's language.
pub(super) fn title(metric: MetricName, metrics: &Metrics, language: Language) -> String {
    match language {
        Language::English => metrics.title(metric).replace("R2", "R²"),
        Language::Chinese => elements::chinese_title(metric).to_owned(),
    }
}

fn reason_in_chinese(reason: &str) -> &str {
    match reason {
        "only one class present" => "只出现一个类别",
        "only one sample" => "只有一个样本",
        "no samples" => "没有样本",
        "the target is constant" => "目标只有一个取值",
        "every target is constant" => "每个目标都只有一个取值",
        "hinge scores are not probabilities" => "合页损失的得分不是概率",
        other => other,
    }
}
