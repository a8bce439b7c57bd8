//! Batch norm in evaluation: a fixed table from running statistics, or no table if the norm is folded into the layer before.

use super::Affine;
use super::batch::FORWARD_TABLE;
use super::moments::Moments;
use crate::filter::Filter;

/// Statistics for evaluation, `[channels]` each.
#[derive(Clone, Copy, Debug)]
pub struct RunningStatistics<'a> {
    /// Means.
    pub mean: &'a [f32],
    /// Variances.
    pub variance: &'a [f32],
}

/// Computes the table that normalises with running statistics, for evaluation.
pub fn running_table(running: RunningStatistics<'_>, epsilon: f32, affine: Affine<'_>, table: &mut [f32]) {
    let (RunningStatistics { mean, variance }, Affine { scale, shift }) = (running, affine);
    let channels = mean.len();
    for c in 0..channels {
        let moments = Moments { mean: f64::from(mean[c]), variance: f64::from(variance[c]) };
        table[c] = mean[c];
        table[channels + c] = moments.inverse_std(epsilon) * scale.get(c).copied().unwrap_or(1.0);
        table[2 * channels + c] = shift.get(c).copied().unwrap_or(0.0);
    }
}

/// Weights and bias that a norm is folded into, for writing.
#[derive(Debug)]
pub struct FoldedFilter<'a> {
    /// Weights, of the same shape as those of the layer, `[.., channels]`.
    pub weights: &'a mut [f32],
    /// Bias, `[channels]`.
    pub bias: &'a mut [f32],
}

/// Computes the weights `[.., channels]` and bias (none for zeros) of a layer that is equivalent to the given one followed by the
/// norm: `w * factor` and `(b - center) * factor + offset`. `table` becomes that of the identity.
pub fn fold(filter: Filter<'_>, table: &mut [f32], target: FoldedFilter<'_>) {
    let (Filter { weights, bias }, FoldedFilter { weights: folded, bias: folded_bias }) = (filter, target);
    let channels = folded_bias.len();
    assert_eq!((weights.len(), table.len()), (folded.len(), FORWARD_TABLE * channels), "weights and table");
    let (center, rest) = table.split_at_mut(channels);
    let (factor, offset) = rest.split_at_mut(channels);
    for (folded, weights) in folded.chunks_exact_mut(channels).zip(weights.chunks_exact(channels)) {
        for c in 0..channels {
            folded[c] = weights[c] * factor[c];
        }
    }
    for c in 0..channels {
        let bias = bias.map_or(0.0, |bias| bias[c]);
        folded_bias[c] = (bias - center[c]) * factor[c] + offset[c];
    }
    center.fill(0.0);
    factor.fill(1.0);
    offset.fill(0.0);
}
