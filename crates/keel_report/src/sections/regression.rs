//! Predicted against true values, and the residuals, as charts.

use keel_page::charts::{Histograms, Marks, Plot, Point, Series, number};
use keel_page::{Histogram, Interval, Language, Text};
use keel_train::metrics::TargetMetrics;
use maud::{Markup, html};

use super::super::evaluation::TargetValues;
use super::Contents;
use crate::elements;

/// Maximum number of points in a cloud.
const POINTS: usize = 2_000;

/// Number of bins of the residuals.
const BINS: usize = 40;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { evaluation, language, .. } = *contents;
    html! {
        (targets(contents))
        @for TargetValues { name, pairs } in evaluation.targets.iter().filter(|target| !target.pairs.is_empty()) {
            @if evaluation.targets.len() > 1 { h3.kind { (name) } }
            div.grid-2 { (scatter(pairs, language)) (residuals(pairs, language)) }
        }
    }
}

/// Renders the errors of each target on the test split, or the validation split; a single target is covered by the
/// table of metrics.
fn targets(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let metrics = record.summary.as_ref().map(|summary| &summary.metrics);
    let metrics = metrics.and_then(|metrics| metrics.test.as_ref().or(metrics.validation.as_ref()));
    let errors = metrics.and_then(|metrics| metrics.regression.as_ref()).map_or(&[][..], |errors| &errors.targets);
    if errors.is_empty() {
        return Markup::default();
    }
    let row = |target: &TargetMetrics| {
        let r2 = target.r2.map_or_else(|| language.choose("undefined", "无定义").to_owned(), number);
        let [rmse, mae] = [target.rmse, target.mae].map(number);
        let [median, largest] =
            [target.median_absolute_error, target.max_error].map(|x| x.map(number).unwrap_or_default());
        let cells = [&target.name, &r2, &rmse, &mae, &median, &largest];
        html! { tr { @for cell in cells { td { (cell) } } } }
    };
    let titles = match language {
        Language::English => ["target", "R²", "RMSE", "MAE", "median abs. error", "max error"],
        Language::Chinese => ["目标", "R²", "均方根误差", "平均绝对误差", "绝对误差中位数", "最大误差"],
    };
    elements::table(None, &elements::titles(titles), errors.iter().map(row))
}

fn scatter(pairs: &[Point], language: Language) -> Markup {
    let step = pairs.len().div_ceil(POINTS).max(1);
    let points: Vec<Point> = pairs.iter().step_by(step).copied().collect();
    let finite = || pairs.iter().flat_map(|pair| [pair.0, pair.1]).filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Markup::default();
    }
    let room = ((high - low) * 0.04).max(f64::MIN_POSITIVE);
    let (low, high) = (low - room, high + room);
    let plot = Plot::new(Text::new("true value", "真实值"), Text::new("predicted value", "预测值"))
        .with(Series::new(Text::new("samples", "样本"), points, Marks::Points))
        .with(Series::new(Text::new("no error", "无误差"), vec![(low, low), (high, high)], Marks::Dashed).coloured(7))
        .x_range(low, high)
        .y_range(low, high);
    let text = match language {
        Language::English => {
            format!("Predicted against true values of {} samples; on the line there is no error.", pairs.len())
        }
        Language::Chinese => format!("{} 个样本的预测值与真实值；位于对角线上则无误差。", pairs.len()),
    };
    elements::captioned(&plot, &text, language)
}

/// Plots residuals against predictions, and their histogram.
fn residuals(pairs: &[Point], language: Language) -> Markup {
    let residuals: Vec<f32> =
        pairs.iter().map(|(truth, predicted)| (predicted - truth) as f32).filter(|value| value.is_finite()).collect();
    let largest = residuals.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let step = pairs.len().div_ceil(POINTS).max(1);
    let points = pairs.iter().step_by(step).map(|&(truth, predicted)| (predicted, predicted - truth)).collect();
    let plot =
        Plot::new(Text::new("predicted value", "预测值"), Text::new("residual: predicted − true", "残差：预测 − 真实"))
            .with(Series::new(Text::new("samples", "样本"), points, Marks::Points));
    html! {
        figure { (plot.html(language)) }
        @if largest > 0.0 {
            @let range = Interval { low: f64::from(-largest), high: f64::from(largest) };
            @let bars = Histograms::new().with(Text::new("residuals", "残差"), Histogram::of(&residuals, range, BINS));
            figure.residuals { (bars.html(language)) }
        }
    }
}
