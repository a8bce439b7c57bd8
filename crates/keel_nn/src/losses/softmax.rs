//! Converts scores to probabilities.

use keel_kernels::SimdLevel;
use keel_kernels::activation::exp;
use keel_kernels::parallel::for_each_chunk_mut;

/// Approximate number of outputs per task.
const CHUNK: usize = 8 * 1024;

/// Writes the softmax of each row of `outputs` to `probabilities`, both `[batch, width]`.
pub(super) fn softmax(simd: SimdLevel, outputs: &[f32], width: usize, probabilities: &mut [f32]) {
    let chunk = CHUNK.div_ceil(width) * width;
    for_each_chunk_mut(probabilities, chunk, |index, probabilities| {
        let outputs = &outputs[index * chunk..index * chunk + probabilities.len()];
        simd.run(
            #[inline(always)]
            || {
                exponentials(outputs, width, probabilities);
                for row in probabilities.chunks_exact_mut(width) {
                    let scale = 1.0 / row.iter().sum::<f32>();
                    row.iter_mut().for_each(|value| *value *= scale);
                }
            },
        );
    });
}

/// Computes exp(score - maximum score of its row): the exponentials of all rows in one loop, since rows are often short.
#[inline(always)]
pub(super) fn exponentials(outputs: &[f32], width: usize, results: &mut [f32]) {
    for (row, results) in outputs.chunks_exact(width).zip(results.chunks_exact_mut(width)) {
        let largest = maximum(row);
        results.iter_mut().zip(row).for_each(|(result, score)| *result = score - largest);
    }
    results.iter_mut().for_each(|value| *value = exp(*value));
}

/// Returns the maximum score; NaN is ignored here and shows up in the exponentials.
#[inline(always)]
pub(super) fn maximum(row: &[f32]) -> f32 {
    row.iter().fold(f32::NEG_INFINITY, |largest, &score| if score > largest { score } else { largest })
}
