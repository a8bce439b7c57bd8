//! Norm of a single row: layer norm of features. No table is written, since every channel is read once.

use super::Affine;
use crate::columns::RowPair;

/// Number of partial sums, which are vectors in the widest registers.
const LANES: usize = 16;

/// Statistics of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowStatistics {
    pub(super) mean: f32,
    /// Remainder of the mean.
    pub(super) low: f32,
    /// 1 / sqrt(variance + epsilon).
    pub(super) inverse_std: f32,
}

/// Computes `y = (x - mean) / std * scale + shift`, inside [`crate::SimdLevel::run`].
#[inline(always)]
pub(super) fn normalize_row(x: &[f32], statistics: RowStatistics, affine: Affine<'_>, y: &mut [f32]) {
    let RowStatistics { mean, low, inverse_std } = statistics;
    let affine = affine.scale.iter().zip(affine.shift);
    for ((y, &x), (&scale, &shift)) in y.iter_mut().zip(x).zip(affine) {
        let factor = inverse_std * scale;
        *y = (x - mean) * factor + (shift - low * factor);
    }
}

/// Computes the input gradient `(scale * dy - sum(scale * dy) / n - x^ * sum(scale * dy * x^) / n) / std` of a row of n values, with
/// x^ the normalised input, inside [`crate::SimdLevel::run`]. Writes `dy * x^`, the gradient of the scale, to `deviation`; `dx` may
/// be empty. `rows` are the input and `dy`.
#[inline(always)]
pub(super) fn row_gradient(
    rows: RowPair<'_>,
    statistics: RowStatistics,
    scale: &[f32],
    deviation: &mut [f32],
    dx: &mut [f32],
) {
    let RowStatistics { mean, low, inverse_std } = statistics;
    let length = deviation.len();
    let (x, dy, scale) = (&rows.x[..length], &rows.other[..length], &scale[..length]);
    let mut sums = [[0.0f64; LANES]; 2];
    for start in (0..length).step_by(LANES) {
        let end = length.min(start + LANES);
        let lanes = deviation[start..end].iter_mut().zip(&x[start..end]).zip(&dy[start..end]).zip(&scale[start..end]);
        for (lane, (((deviation, &x), &dy), &scale)) in lanes.enumerate() {
            *deviation = inverse_std * (dy * (x - mean) - low * dy);
            sums[0][lane] += f64::from(scale) * f64::from(dy);
            sums[1][lane] += f64::from(scale) * f64::from(*deviation);
        }
    }
    if dx.is_empty() {
        return;
    }
    let [total, total_deviation] = sums.map(|lanes| lanes.iter().sum::<f64>() / length as f64);
    let inverse = f64::from(inverse_std);
    let slope = -inverse * inverse * total_deviation;
    let constant = (-inverse * total - slope * f64::from(low)) as f32;
    let slope = slope as f32;
    for (((dx, &x), &dy), &scale) in dx.iter_mut().zip(x).zip(dy).zip(scale) {
        *dx = dy * (inverse_std * scale) + ((x - mean) * slope + constant);
    }
}
