//! The rectified linear unit with a learned slope for each channel.

use crate::parallel::{Pieces, for_each_task};
use crate::simd;

/// Floats one forward task handles, about.
const CHUNK: usize = 16 * 1024;
/// Most tasks a backward call is cut into: each keeps its own sums of the slope's gradient.
const MAXIMUM_TASKS: usize = 32;

/// `output = input` where positive, `slope[channel] * input` elsewhere. `input` and `output` are `[rows, channels]` with
/// `slope` `[channels]`.
///
/// # Panics
/// If the lengths differ or are no multiple of the channels.
pub fn prelu_forward(slope: &[f32], input: &[f32], output: &mut [f32]) {
    let channels = slope.len();
    assert_eq!(input.len(), output.len(), "lengths of input and output");
    assert_eq!(input.len() % channels, 0, "{} floats in rows of {channels}", input.len());
    let chunk = (CHUNK / channels).max(1) * channels;
    let pieces = Pieces::new(output);
    for_each_task(input.len().div_ceil(chunk), input.len(), |task| {
        let range = task * chunk..((task + 1) * chunk).min(input.len());
        // SAFETY: ranges of different tasks do not overlap.
        let output = unsafe { pieces.piece(range.clone()) };
        let input = &input[range];
        simd::level().run(
            #[inline(always)]
            || {
                for (output, input) in output.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
                    for ((output, &x), &slope) in output.iter_mut().zip(input).zip(slope) {
                        *output = if x > 0.0 { x } else { slope * x };
                    }
                }
            },
        );
    });
}

/// Floats of scratch [`prelu_backward`] wants for `channels`.
pub fn prelu_scratch_length(channels: usize) -> usize {
    MAXIMUM_TASKS * channels
}

/// Gradients of [`prelu_forward`]: `grad_input` like `input` (left alone if empty), `grad_slope` `[channels]`.
/// `scratch` holds [`prelu_scratch_length`] floats.
///
/// # Panics
/// If the lengths differ or are no multiple of the channels, or `scratch` is too short.
pub fn prelu_backward(
    slope: &[f32],
    input: &[f32],
    grad_output: &[f32],
    (grad_input, grad_slope): (&mut [f32], &mut [f32]),
    scratch: &mut [f32],
) {
    let channels = slope.len();
    assert_eq!(input.len(), grad_output.len(), "lengths of input and grad_output");
    assert!(grad_input.is_empty() || grad_input.len() == input.len(), "length of grad_input");
    assert_eq!(grad_slope.len(), channels, "length of grad_slope");
    assert_eq!(input.len() % channels, 0, "{} floats in rows of {channels}", input.len());
    let rows = input.len() / channels;
    let rows_per_task = rows.div_ceil(MAXIMUM_TASKS).max(1);
    let tasks = rows.div_ceil(rows_per_task);
    let partial = &mut scratch[..tasks * channels];
    partial.fill(0.0);
    let wants_input = !grad_input.is_empty();
    let (sums, inputs) = (Pieces::new(partial), Pieces::new(grad_input));
    for_each_task(tasks, input.len(), |task| {
        let range = task * rows_per_task * channels..((task + 1) * rows_per_task * channels).min(input.len());
        // SAFETY: ranges of different tasks do not overlap.
        let sums = unsafe { sums.piece(task * channels..(task + 1) * channels) };
        // SAFETY: as above.
        let grad_input = unsafe { inputs.piece(if wants_input { range.clone() } else { 0..0 }) };
        let (input, grad_output) = (&input[range.clone()], &grad_output[range]);
        simd::level().run(
            #[inline(always)]
            || {
                slope_gradient(input, grad_output, sums);
                for (index, grad_input) in grad_input.chunks_exact_mut(channels).enumerate() {
                    let row = index * channels..(index + 1) * channels;
                    let row = input[row.clone()].iter().zip(&grad_output[row]).zip(slope);
                    for (grad_input, ((&x, &grad), &slope)) in grad_input.iter_mut().zip(row) {
                        *grad_input = if x > 0.0 { grad } else { grad * slope };
                    }
                }
            },
        );
    });
    grad_slope.fill(0.0);
    for sums in scratch[..tasks * channels].chunks_exact(channels) {
        grad_slope.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
}

/// Adds `grad_output * input` over the rows where the input is not positive.
#[inline(always)]
fn slope_gradient(input: &[f32], grad_output: &[f32], sums: &mut [f32]) {
    let channels = sums.len();
    for (input, grad_output) in input.chunks_exact(channels).zip(grad_output.chunks_exact(channels)) {
        for ((sum, &x), &grad) in sums.iter_mut().zip(input).zip(grad_output) {
            *sum += if x > 0.0 { 0.0 } else { grad * x };
        }
    }
}
