//! Loss, accuracy, learning rate and gradient norm over the steps.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Scale, Series};
use keel_train::runs::{EpochRecord, StepRecord};
use maud::{Markup, html};

use super::super::decimate::{decimate, smooth};
use super::super::record::Record;
use super::Contents;

/// Maximum number of points of a curve.
const POINTS: usize = 1_200;

/// Factor of decrease above which a loss is shown on a logarithmic axis.
const LOGARITHMIC_FACTOR: f64 = 30.0;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    if record.steps.is_empty() && record.epochs.is_empty() {
        return Markup::default();
    }
    let plots = [loss(record), quality(record), rate(record), gradient(record)];
    html! {
        div.grid-2 {
            @for plot in plots.iter().flatten() { figure { (plot.html(language)) } }
        }
    }
}

fn loss(record: &Record) -> Option<Plot> {
    let batches = of_steps(record, |step| step.loss);
    let parts = ["train", "val"].map(|part| of_epochs(record, part, |epoch| Some(epoch.loss)));
    let positive = || batches.iter().chain(parts.iter().flatten()).map(|point| point.1).filter(|loss| loss.is_finite());
    let (low, high) = positive().fold((f64::MAX, f64::MIN), |(low, high), loss| (low.min(loss), high.max(loss)));
    let scale = if low > 0.0 && high / low > LOGARITHMIC_FACTOR { Scale::Logarithmic } else { Scale::Linear };
    let mut plot = Plot::new(step_title(), Text::new("loss", "损失")).scales(Scale::Linear, scale);
    if !batches.is_empty() {
        let span = (batches.len() as f64 / 60.0).clamp(5.0, 200.0);
        let smoothed = decimate(&smooth(&batches, span), POINTS / 4);
        plot = plot
            .with(
                Series::new(Text::new("single batches", "单个批次"), decimate(&batches, POINTS), Marks::Faint)
                    .coloured(0),
            )
            .with(Series::new(Text::new("batches, smoothed", "批次（平滑）"), smoothed, Marks::Line).coloured(0));
    }
    let [train, validation] = parts;
    if !train.is_empty() {
        let name = Text::new("training, mean of the epoch", "训练（每轮平均）");
        plot = plot.with(Series::new(name, decimate(&train, POINTS), marks(train.len())).coloured(2));
    }
    if !validation.is_empty() {
        let name = Text::new("validation", "验证");
        plot = plot.with(Series::new(name, decimate(&validation, POINTS), marks(validation.len())).coloured(1));
    }
    Some(plot)
}

/// Plots accuracy for classes, R² for values.
fn quality(record: &Record) -> Option<Plot> {
    let classification = record.epochs.iter().any(|epoch| epoch.accuracy.is_some());
    let (title, read): (Text, fn(&EpochRecord) -> Option<f64>) = match classification {
        true => (Text::new("accuracy", "准确率"), |epoch| epoch.accuracy),
        false => (Text::new("root mean squared error", "均方根误差"), |epoch| epoch.rmse),
    };
    let mut plot = Plot::new(step_title(), title);
    let mut any = false;
    for (part, name, colour) in
        [("train", Text::new("training", "训练"), 2), ("val", Text::new("validation", "验证"), 1)]
    {
        let points = of_epochs(record, part, read);
        if points.is_empty() {
            continue;
        }
        any = true;
        plot = plot.with(Series::new(name, decimate(&points, POINTS), marks(points.len())).coloured(colour));
        if part == "val"
            && let Some(best) = best_point(record, &points)
        {
            let name = Text::new("kept weights", "所保留的权重");
            plot = plot.with(Series::new(name, vec![best], Marks::Points).coloured(3));
        }
    }
    any.then_some(plot)
}

/// Returns the validation result of the epoch whose weights were kept.
fn best_point(record: &Record, points: &[Point]) -> Option<Point> {
    let best = record.summary.as_ref().map(|summary| summary.best_epoch).filter(|&epoch| epoch > 0)?;
    let step = position_of_epoch(record, best);
    points.iter().copied().find(|point| point.0 == step)
}

fn rate(record: &Record) -> Option<Plot> {
    let points = of_steps(record, |step| step.learning_rate);
    let plot = Plot::new(step_title(), Text::new("learning rate", "学习率")).small();
    let series = Series::new(Text::new("learning rate", "学习率"), decimate(&points, POINTS / 2), Marks::Line);
    (!points.is_empty()).then(|| plot.with(series.coloured(4)))
}

fn gradient(record: &Record) -> Option<Plot> {
    let points = of_steps(record, |step| step.gradient_norm);
    let title = Text::new("norm of the gradient", "梯度范数");
    let plot = Plot::new(step_title(), title.clone()).small().scales(Scale::Linear, Scale::Logarithmic);
    let series = Series::new(title, decimate(&points, POINTS / 2), Marks::Line);
    (!points.is_empty()).then(|| plot.with(series.coloured(6)))
}

pub(super) fn step_title() -> Text {
    Text::new("step", "步")
}

fn of_steps(record: &Record, read: impl Fn(&StepRecord) -> f64) -> Vec<Point> {
    record.steps.iter().map(|step| (step.step as f64, read(step))).collect()
}

/// Returns epoch values at the step where each epoch ended.
fn of_epochs(record: &Record, part: &str, read: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<Point> {
    let of_part = record.epochs.iter().filter(|epoch| epoch.part == part);
    of_part.filter_map(|epoch| Some((position_of_epoch(record, epoch.epoch), read(epoch)?))).collect()
}

/// Returns the position of an epoch's result: its last step, or evenly spaced if steps were not stored.
fn position_of_epoch(record: &Record, epoch: u64) -> f64 {
    record.last_step_of_epoch(epoch).unwrap_or(epoch) as f64
}

/// Returns dots for few points, a line for many.
fn marks(points: usize) -> Marks {
    if points <= 60 { Marks::LineAndPoints } else { Marks::Line }
}
