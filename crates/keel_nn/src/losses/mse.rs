//! Mean squared error: L = (y - t)^2, averaged over the outputs and the batch; gradient 2 (y - t).

use super::CatalogEntry;
use super::rows::Sum;

pub(super) const ENTRY: CatalogEntry = CatalogEntry { name: "mse", summary: "mean squared error, for regression" };

/// Returns the sum of the losses of these values and, if `gradient` is not empty, writes their gradients times `scale`.
#[inline(always)]
pub(super) fn values(outputs: &[f32], targets: &[f32], gradient: &mut [f32], scale: f32) -> Sum {
    let loss = outputs.iter().zip(targets).map(|(y, t)| f64::from(y - t).powi(2)).sum();
    for ((gradient, y), t) in gradient.iter_mut().zip(outputs).zip(targets) {
        *gradient = scale * 2.0 * (y - t);
    }
    Sum { loss, correct: 0 }
}
