//! Gradient clipping by norm, after Pascanu et al. 2013.

use rayon::prelude::*;

use super::parameter_pass::{CHUNK, PARALLEL_FROM};

const LANES: usize = 16;

/// Returns the sum of squares of `values`, in chunks and an order that do not depend on the number of threads. `partial` has space
/// for one sum per chunk.
pub(super) fn sum_of_squares(values: &[f32], partial: &mut [f64]) -> f64 {
    let chunks = values.len().div_ceil(CHUNK);
    let partial = &mut partial[..chunks];
    if values.len() < PARALLEL_FROM {
        values.chunks(CHUNK).zip(&mut *partial).for_each(|(chunk, sum)| *sum = at_level(chunk));
    } else {
        values.par_chunks(CHUNK).zip(&mut *partial).for_each(|(chunk, sum)| *sum = at_level(chunk));
    }
    partial.iter().sum()
}

/// Returns the factor for a gradient of this norm: `clip_norm / (norm + 1e-6)` if that is below 1. A norm that is NaN stays visible
/// in the update.
pub(super) fn scale(norm: f64, clip_norm: f64) -> f32 {
    if clip_norm <= 0.0 {
        return 1.0;
    }
    let factor = clip_norm / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() { factor as f32 } else { 1.0 }
}

/// Runs [`chunk_sum`] with the vectors of the processor.
fn at_level(values: &[f32]) -> f64 {
    keel_kernels::simd::level().run(
        #[inline(always)]
        || chunk_sum(values),
    )
}

#[inline(always)]
fn chunk_sum(values: &[f32]) -> f64 {
    let mut sums = [0.0f32; LANES];
    let (rows, rest) = values.as_chunks::<LANES>();
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value * value;
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value * value;
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gradients_are_scaled_to_the_bound_and_short_ones_left_alone() {
        for (norm, clip_norm, expected) in [(5.0, 1.0, 0.2), (0.5, 1.0, 1.0), (5.0, 0.0, 1.0), (0.0, 1.0, 1.0)] {
            assert!((scale(norm, clip_norm) - expected).abs() < 1e-6, "norm {norm}, clip {clip_norm}");
        }
        assert!(scale(f64::NAN, 1.0).is_nan());
    }

    #[test]
    fn sums_of_awkward_lengths_are_complete() {
        for length in [0, 1, 15, 17, CHUNK - 1, CHUNK + 1, PARALLEL_FROM + 3] {
            let mut partial = vec![0.0; length.div_ceil(CHUNK)];
            assert_eq!(sum_of_squares(&vec![2.0; length], &mut partial), 4.0 * length as f64, "{length}");
        }
    }
}
