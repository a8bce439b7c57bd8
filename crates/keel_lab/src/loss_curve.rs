//! Loss of a training run over its steps, for the figures.

use keel_page::charts::{Point, points};
use serde::Serialize;

/// Mean loss of several consecutive steps.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LossPoint {
    /// Last of the steps, counted from 1.
    pub(crate) step: usize,
    /// Mean loss; `None` if it is not finite.
    pub(crate) loss: Option<f64>,
}

/// Averages the losses of all steps over windows of `window` steps; the last may be shorter.
pub(crate) fn averaged(losses: &[f64], window: usize) -> Vec<LossPoint> {
    let average = |(index, losses): (usize, &[f64])| {
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        LossPoint { step: index * window + losses.len(), loss: mean.is_finite().then_some(mean) }
    };
    losses.chunks(window).enumerate().map(average).collect()
}

/// Returns the points of a loss curve for a chart.
pub(crate) fn loss_points(curve: &[LossPoint]) -> Vec<Point> {
    points(curve, |point| point.step as f64, |point| point.loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_at_their_last_step_and_gaps_are_left_out() {
        let curve = averaged(&[1.0, 3.0, f64::NAN, 1.0, 5.0], 2);
        assert_eq!(curve.iter().map(|point| point.step).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!(loss_points(&curve), [(2.0, 2.0), (5.0, 5.0)]);
    }
}
