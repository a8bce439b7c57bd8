//! Predicted against true values, and what is left over.

use super::Contents;
use super::overview::grouped;
use crate::charts::{Histograms, Marks, Plot, Series, escape, number};
use crate::language::{Language, Text};
use crate::statistics::Histogram;

/// Points of a cloud at most.
const POINTS: usize = 2_000;

/// Bins of the residuals.
const BINS: usize = 40;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { evaluation, language, .. } = *contents;
    let mut html = errors(contents);
    for (name, pairs) in evaluation.targets.iter().filter(|(_, pairs)| !pairs.is_empty()) {
        if evaluation.targets.len() > 1 {
            html.push_str(&format!("<h3 class=\"kind\">{}</h3>", escape(name)));
        }
        html.push_str(&format!(
            "<div class=\"grid-2\">{}{}</div>",
            scatter(pairs, language),
            residuals(pairs, language)
        ));
    }
    html
}

/// Errors of each part in a table.
fn errors(contents: &Contents<'_>) -> String {
    let Contents { record, language, .. } = *contents;
    let Some(summary) = &record.summary else { return String::new() };
    let parts = [
        (language.choose("training", "训练"), &summary.metrics.train),
        (language.choose("validation", "验证"), &summary.metrics.validation),
        (language.choose("test", "测试"), &summary.metrics.test),
    ];
    let row = |(part, metrics): &(&str, &Option<keel_train::metrics::Metrics>)| {
        let metrics = metrics.as_ref()?;
        let regression = metrics.regression?;
        Some(format!(
            "<tr><td>{part}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            grouped(metrics.samples),
            number(regression.rmse),
            number(regression.mae),
            number(regression.r2)
        ))
    };
    let rows: String = parts.iter().filter_map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = match language {
        Language::English => ["", "samples", "root mean squared error", "mean absolute error", "R²"],
        Language::Chinese => ["", "样本数", "均方根误差", "平均绝对误差", "R²"],
    };
    let head: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    format!("<div class=\"table\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}

fn scatter(pairs: &[(f64, f64)], language: Language) -> String {
    let step = pairs.len().div_ceil(POINTS).max(1);
    let points: Vec<(f64, f64)> = pairs.iter().step_by(step).copied().collect();
    let finite = || pairs.iter().flat_map(|pair| [pair.0, pair.1]).filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return String::new();
    }
    let room = ((high - low) * 0.04).max(f64::MIN_POSITIVE);
    let (low, high) = (low - room, high + room);
    let plot = Plot::new(Text::new("true value", "真实值"), Text::new("predicted value", "预测值"))
        .with(Series::new(Text::new("samples", "样本"), points, Marks::Points))
        .with(Series::new(Text::new("no error", "无误差"), vec![(low, low), (high, high)], Marks::Dashed).coloured(7))
        .x_range(low, high)
        .y_range(low, high);
    format!("<figure>{}</figure>", plot.html(language))
}

/// Residuals against predictions, and their histogram.
fn residuals(pairs: &[(f64, f64)], language: Language) -> String {
    let residuals: Vec<f32> =
        pairs.iter().map(|(truth, predicted)| (predicted - truth) as f32).filter(|value| value.is_finite()).collect();
    let largest = residuals.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let step = pairs.len().div_ceil(POINTS).max(1);
    let points = pairs.iter().step_by(step).map(|&(truth, predicted)| (predicted, predicted - truth)).collect();
    let plot =
        Plot::new(Text::new("predicted value", "预测值"), Text::new("residual: predicted − true", "残差：预测 − 真实"))
            .with(Series::new(Text::new("samples", "样本"), points, Marks::Points));
    let mut html = format!("<figure>{}</figure>", plot.html(language));
    if largest > 0.0 {
        let range = (f64::from(-largest), f64::from(largest));
        let title = Text::new("residuals", "残差");
        let bars = Histograms::new().with(title, Histogram::of(&residuals, range, BINS));
        html.push_str(&format!("<figure class=\"residuals\">{}</figure>", bars.html(language)));
    }
    html
}
