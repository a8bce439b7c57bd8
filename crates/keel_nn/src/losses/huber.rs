//! Huber (1964): L = d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond, d = y - t; averaged over the outputs and the batch.
//! The gradient is d clipped to [-delta, delta], so that single outliers do not dominate it.

use super::CatalogEntry;
use super::rows::Sum;

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "huber",
    summary: "squared error near the target, absolute error beyond delta, for regression with outliers (delta 1)",
};

pub(super) fn delta() -> f32 {
    1.0
}

/// Returns the sum of the losses of these values and, if `gradient` is not empty, writes their gradients times `scale`.
#[inline(always)]
pub(super) fn values(delta: f32, outputs: &[f32], targets: &[f32], gradient: &mut [f32], scale: f32) -> Sum {
    let loss = |difference: f32| {
        let distance = f64::from(difference.abs());
        let delta = f64::from(delta);
        if distance <= delta { 0.5 * distance * distance } else { delta * (distance - 0.5 * delta) }
    };
    let sum = outputs.iter().zip(targets).map(|(y, t)| loss(y - t)).sum();
    for ((gradient, y), t) in gradient.iter_mut().zip(outputs).zip(targets) {
        *gradient = scale * (y - t).clamp(-delta, delta);
    }
    Sum { loss: sum, correct: 0 }
}
