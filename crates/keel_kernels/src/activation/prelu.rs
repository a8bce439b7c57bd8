//! The rectified linear unit with a learned slope for each channel.

use super::ActivationGradient;
use crate::parallel::{Pieces, for_each_task};
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

/// Approximate number of floats per forward task.
const CHUNK: usize = 16 * 1024;
/// Maximum number of tasks of a backward call: each has its own sums for the gradient of the slopes.
const MAXIMUM_TASKS: usize = 32;

/// The function with its slopes.
#[derive(Clone, Copy, Debug)]
pub struct Prelu<'a> {
    /// SIMD level of the loops.
    pub simd: SimdLevel,
    /// Slope for negative inputs of each channel, `[channels]`.
    pub slope: &'a [f32],
}

/// Results of [`Prelu::backward`].
#[derive(Debug)]
pub struct PreluGradient<'a> {
    /// Gradient with respect to the input, `[rows, channels]`; not computed if empty.
    pub input: &'a mut [f32],
    /// Gradient with respect to the slopes, `[channels]`.
    pub slope: &'a mut [f32],
}

/// Returns the length of the scratch buffer of [`Prelu::backward`] for `channels`, in floats.
pub fn prelu_scratch_length(channels: usize) -> usize {
    MAXIMUM_TASKS * channels
}

impl Prelu<'_> {
    /// Computes `output = input` where positive, `slope[channel] * input` elsewhere; both are `[rows, channels]`.
    ///
    /// # Panics
    /// If there are no channels, or the lengths differ or are not a multiple of the channels.
    pub fn forward(&self, input: &[f32], output: &mut [f32]) {
        let channels = self.channels(input.len());
        assert_eq!(input.len(), output.len(), "lengths of input and output");
        let chunk = (CHUNK / channels).max(1) * channels;
        let pieces = Pieces::new(output);
        for_each_task(input.len().div_ceil(chunk), input.len(), |task| {
            let range = task * chunk..((task + 1) * chunk).min(input.len());
            // SAFETY: ranges of different tasks do not overlap.
            let output = unsafe { pieces.piece(range.clone()) };
            let (input, slope) = (&input[range], self.slope);
            self.simd.run(
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

    /// Computes the gradients of [`Prelu::forward`], whose input is saved. `scratch` has [`prelu_scratch_length`] floats.
    ///
    /// # Panics
    /// As described at [`Prelu::forward`]; also if `scratch` is too short.
    pub fn backward(&self, given: ActivationGradient<'_>, gradient: PreluGradient<'_>, scratch: Scratch<'_>) {
        let ActivationGradient { saved: input, grad_output } = given;
        let (channels, slope) = (self.channels(input.len()), self.slope);
        assert_eq!(input.len(), grad_output.len(), "lengths of input and grad_output");
        assert!(gradient.input.is_empty() || gradient.input.len() == input.len(), "length of grad_input");
        assert_eq!(gradient.slope.len(), channels, "length of grad_slope");
        let rows = input.len() / channels;
        let rows_per_task = rows.div_ceil(MAXIMUM_TASKS).max(1);
        let tasks = rows.div_ceil(rows_per_task);
        let (partial, _) = scratch.take(tasks * channels);
        partial.fill(0.0);
        let wants_input = !gradient.input.is_empty();
        let (sums, inputs) = (Pieces::new(&mut *partial), Pieces::new(gradient.input));
        for_each_task(tasks, input.len(), |task| {
            let range = task * rows_per_task * channels..((task + 1) * rows_per_task * channels).min(input.len());
            // SAFETY: ranges of different tasks do not overlap.
            let sums = unsafe { sums.piece(task * channels..(task + 1) * channels) };
            // SAFETY: as above.
            let grad_input = unsafe { inputs.piece(if wants_input { range.clone() } else { 0..0 }) };
            let (input, grad_output) = (&input[range.clone()], &grad_output[range]);
            self.simd.run(
                #[inline(always)]
                || {
                    slope_gradient(ActivationGradient { saved: input, grad_output }, sums);
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
        gradient.slope.fill(0.0);
        for sums in partial.chunks_exact(channels) {
            gradient.slope.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }

    /// Returns the number of channels, for `length` values in complete rows.
    fn channels(&self, length: usize) -> usize {
        let channels = self.slope.len();
        assert!(channels > 0 && length.is_multiple_of(channels), "{length} floats in rows of {channels}");
        channels
    }
}

/// Adds `grad_output * input` over the rows where the input is not positive.
#[inline(always)]
fn slope_gradient(given: ActivationGradient<'_>, sums: &mut [f32]) {
    let (ActivationGradient { saved: input, grad_output }, channels) = (given, sums.len());
    for (input, grad_output) in input.chunks_exact(channels).zip(grad_output.chunks_exact(channels)) {
        for ((sum, &x), &grad) in sums.iter_mut().zip(input).zip(grad_output) {
            *sum += if x > 0.0 { 0.0 } else { grad * x };
        }
    }
}
