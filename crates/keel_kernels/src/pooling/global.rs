//! Average pooling over whole images.

use crate::columns::{PairSums, RowPair, paired_sums};
use crate::length;
use crate::parallel::{Pieces, for_each_task};
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

/// Sizes of an image whose positions are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalShape {
    /// Number of positions: rows times columns.
    pub positions: usize,
    /// Number of values at each position.
    pub channels: usize,
}

impl GlobalShape {
    /// Returns the number of floats of an image.
    ///
    /// # Panics
    /// If there are none, or more than a machine can store.
    #[track_caller]
    fn image_length(self) -> usize {
        let length = length::product("image", &[self.positions, self.channels]);
        assert!(length > 0, "a size of 0 in {self:?}");
        length
    }
}

/// Computes the average over all positions: `input` `[batch, positions, channels]` to `output` `[batch, channels]`; `scratch` has
/// as many floats as `output`.
///
/// # Panics
/// If lengths do not fit, or `shape` is too large for any machine.
pub fn global_average(simd: SimdLevel, shape: GlobalShape, input: &[f32], output: &mut [f32], scratch: Scratch<'_>) {
    let (length, GlobalShape { positions, channels }) = (shape.image_length(), shape);
    let batch = input.len() / length;
    assert_eq!((input.len(), output.len()), (batch * length, batch * channels), "input and output");
    let (unused, _) = scratch.take(output.len());
    let (output, unused) = (Pieces::new(output), Pieces::new(unused));
    for_each_task(batch, input.len(), |image| {
        let range = image * channels..(image + 1) * channels;
        // SAFETY: each task takes the parts of its own image.
        let (output, unused) = unsafe { (output.piece(range.clone()), unused.piece(range)) };
        let input = &input[image * length..(image + 1) * length];
        simd.run(
            #[inline(always)]
            || {
                let sums = PairSums { first: &mut *output, second: unused };
                paired_sums(RowPair::alone(input), [], |value, _, []| [value, 0.0], sums);
                output.iter_mut().for_each(|sum| *sum /= positions as f32);
            },
        );
    });
}

/// Distributes each gradient `[batch, channels]` equally over all positions of `grad_input` `[batch, positions, channels]`.
///
/// # Panics
/// As described at [`global_average`].
pub fn global_average_backward(simd: SimdLevel, shape: GlobalShape, grad_output: &[f32], grad_input: &mut [f32]) {
    let (length, GlobalShape { positions, channels }) = (shape.image_length(), shape);
    let batch = grad_output.len() / channels;
    assert_eq!((grad_input.len(), grad_output.len()), (batch * length, batch * channels), "gradients");
    let share = 1.0 / positions as f32;
    let grad_input = Pieces::new(grad_input);
    for_each_task(batch, batch * length, |image| {
        // SAFETY: each task takes its own image.
        let grad_input = unsafe { grad_input.piece(image * length..(image + 1) * length) };
        let gradient = &grad_output[image * channels..(image + 1) * channels];
        simd.run(
            #[inline(always)]
            || {
                for row in grad_input.chunks_exact_mut(channels) {
                    row.iter_mut().zip(gradient).for_each(|(target, value)| *target = value * share);
                }
            },
        );
    });
}
