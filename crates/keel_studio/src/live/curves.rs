//! Curves over the steps, with as many points as a screen can show.

use std::ops::{Range, RangeInclusive};

use keel_page::charts::Point;
use keel_report::{decimate, smooth};
use keel_train::runs::{EpochRecord, StepRecord};
use serde::Serialize;

use super::run_data::RunData;

/// Maximum number of points of a curve.
const POINTS: RangeInclusive<usize> = 16..=5_000;

/// Requested part of the curves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CurveQuery {
    /// Approximate number of points per curve.
    pub(crate) points: usize,
    /// Number of steps averaged by the smoothed loss; `None` for a sixtieth of the run.
    pub(crate) span: Option<f64>,
    /// First and last step; `None` for all.
    pub(crate) range: Option<[f64; 2]>,
}

/// The curves of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Curves {
    generation: u64,
    last_step: u64,
    /// Number of steps in the run before reduction.
    steps: usize,
    /// Number of steps averaged by the smoothed loss.
    span: f64,
    loss: Curve,
    /// Smoothed loss of all batches.
    smoothed: Curve,
    learning_rate: Curve,
    gradient_norm: Curve,
    epochs: Vec<EpochPoint>,
}

/// A curve: horizontal positions and their values; `null` for non-finite values.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Curve {
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Result of an epoch at the step where it ended.
#[derive(Debug, Serialize)]
pub(crate) struct EpochPoint {
    step: u64,
    epoch: u64,
    part: &'static str,
    loss: f64,
    accuracy: Option<f64>,
    rmse: Option<f64>,
    r2: Option<f64>,
    seconds: f64,
}

impl Curves {
    /// Computes the curves of `data` for `query`.
    pub(crate) fn of(data: &RunData, query: CurveQuery) -> Self {
        let points = query.points.clamp(*POINTS.start(), *POINTS.end());
        let span = query.span.unwrap_or_else(|| (data.steps.len() as f64 / 60.0).clamp(5.0, 200.0)).clamp(1.0, 1e6);
        let loss = all(&data.steps, |step| step.loss);
        let inside = within(&loss, query.range);
        let reduced = |curve: &[Point]| Curve::of(&decimate(&curve[inside.clone()], points));
        Curves {
            generation: data.generation,
            last_step: data.last_step(),
            steps: data.steps.len(),
            span,
            smoothed: reduced(&smooth(&loss, span)),
            loss: reduced(&loss),
            learning_rate: reduced(&all(&data.steps, |step| step.learning_rate)),
            gradient_norm: reduced(&all(&data.steps, |step| step.gradient_norm)),
            epochs: epoch_points(data, 0),
        }
    }
}

impl Curve {
    fn of(points: &[Point]) -> Self {
        Curve { x: points.iter().map(|point| point.0).collect(), y: points.iter().map(|point| point.1).collect() }
    }
}

/// Returns the points of `curve` in `range` and one on either side, so that lines continue to the border.
fn within(curve: &[Point], range: Option<[f64; 2]>) -> Range<usize> {
    let Some([first, last]) = range else { return 0..curve.len() };
    let from = curve.partition_point(|point| point.0 < first).saturating_sub(1);
    let to = (curve.partition_point(|point| point.0 <= last) + 1).min(curve.len());
    from.min(to)..to
}

fn all(steps: &[StepRecord], read: impl Fn(&StepRecord) -> f64) -> Vec<Point> {
    steps.iter().map(|step| (step.step as f64, read(step))).collect()
}

/// Returns the epochs of `data`, without the first `known` rows.
pub(crate) fn epoch_points(data: &RunData, known: usize) -> Vec<EpochPoint> {
    let point = |record: &EpochRecord| {
        let &EpochRecord { epoch, part, loss, accuracy, rmse, r2, seconds } = record;
        EpochPoint { step: data.end_of_epoch(epoch), epoch, part, loss, accuracy, rmse, r2, seconds }
    };
    data.epochs.iter().skip(known).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(count: u64) -> RunData {
        let step = |step| StepRecord {
            step,
            epoch: 1 + step / 1_000,
            loss: if step == 54_321 { 99.0 } else { 1.0 / step as f64 },
            learning_rate: 0.1,
            gradient_norm: if step == 7 { f64::NAN } else { 1.0 },
        };
        RunData { steps: (1..=count).map(step).collect(), ..RunData::default() }
    }

    #[test]
    fn a_long_run_is_reduced_and_keeps_its_extremes() {
        let data = data(100_000);
        for points in [0, 16, 300, 1_200, 9_999_999] {
            let curves = Curves::of(&data, CurveQuery { points, span: None, range: None });
            let most = points.clamp(16, 5_000) * 3 / 2 + 2;
            for curve in [&curves.loss, &curves.smoothed, &curves.learning_rate, &curves.gradient_norm] {
                assert!(curve.x.len() <= most && curve.x.len() == curve.y.len(), "{points}: {}", curve.x.len());
                assert!(curve.x.windows(2).all(|pair| pair[0] < pair[1]), "{points}: steps ascend");
            }
            assert!(curves.loss.y.contains(&99.0), "{points}: the spike is kept");
            assert_eq!((curves.steps, curves.last_step, curves.span), (100_000, 100_000, 200.0));
        }
        let text = serde_json::to_string(&Curves::of(&data, CurveQuery { points: 100, span: Some(1.0), range: None }))
            .unwrap();
        assert!(text.contains("null") && !text.contains("NaN"), "what is not finite is null");
    }

    #[test]
    fn a_range_is_seen_in_full_with_a_neighbour_on_either_side() {
        let curve =
            |range| Curves::of(&data(100_000), CurveQuery { points: 1_200, span: None, range: Some(range) }).loss.x;
        let steps = curve([54_000.0, 54_500.0]);
        assert_eq!((steps.len(), steps[0], steps[502]), (503, 53_999.0, 54_501.0));
        assert_eq!(curve([0.0, 3.0]), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(curve([2e5, 3e5]), [100_000.0], "beyond the end, the last point");
        assert!(curve([9.0, 3.0]).len() <= 1 && curve([f64::NAN, 5.0]).len() <= 6, "a range that is none");
    }

    #[test]
    fn a_short_run_is_sent_as_it_is() {
        let curves = Curves::of(&data(50), CurveQuery { points: 1_200, span: Some(1.0), range: None });
        assert_eq!((curves.loss.x.len(), curves.loss.y[1]), (50, 0.5));
        assert!(Curves::of(&data(0), CurveQuery { points: 1_200, span: None, range: None }).loss.x.is_empty());
    }
}
