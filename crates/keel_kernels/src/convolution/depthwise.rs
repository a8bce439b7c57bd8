//! One filter per channel: channels lie side by side, so every tap is an element-wise multiply-add over them.
//!
//! Frames are `[height, width, channels]`, weights `[kernel_h, kernel_w, 1, channels]`.

use super::gradient_pass::GradientPass;
use super::{ConvolutionShape, Pass};
use crate::simd::SimdLevel;

#[inline(always)]
fn multiply_add(target: &mut [f32], [left, right]: [&[f32]; 2]) {
    for ((target, left), right) in target.iter_mut().zip(left).zip(right) {
        *target = left.mul_add(*right, *target);
    }
}

/// Output image from the framed image of a pass of one.
pub(super) fn forward(simd: SimdLevel, shape: &ConvolutionShape, pass: Pass<'_>, output: &mut [f32]) {
    let Pass { frames: frame, packed: weights, bias, .. } = pass;
    let channels = shape.in_channels;
    simd.run(
        #[inline(always)]
        || {
            for (position, target) in output.chunks_exact_mut(channels).enumerate() {
                match bias {
                    Some(bias) => target.copy_from_slice(bias),
                    None => target.fill(0.0),
                }
                let (y, x) = (position / shape.out_width(), position % shape.out_width());
                for (tap, weight) in weights.chunks_exact(channels).enumerate() {
                    let from = tap_offset(shape, y, x, tap);
                    multiply_add(target, [&frame[from..from + channels], weight]);
                }
            }
        },
    );
}

/// Returns the place in the frame that tap `tap` of output (`y`, `x`) reads.
#[inline(always)]
fn tap_offset(shape: &ConvolutionShape, y: usize, x: usize, tap: usize) -> usize {
    let row = y * shape.stride[0] + tap / shape.kernel[1] * shape.dilation[0];
    let column = x * shape.stride[1] + tap % shape.kernel[1] * shape.dilation[1];
    (row * shape.frame_width() + column) * shape.in_channels
}

/// Output gradient of one image, by rows.
#[derive(Clone, Copy)]
pub(super) struct OutputGradient<'a> {
    /// From the first pixel on.
    pub(super) values: &'a [f32],
    /// Number of floats between the starts of two rows.
    pub(super) row: usize,
    /// `[kernel_h, kernel_w, 1, channels]`.
    pub(super) weights: &'a [f32],
}

/// Adds the input gradient of one image.
pub(super) fn add_grad_input(
    simd: SimdLevel,
    shape: &ConvolutionShape,
    given: OutputGradient<'_>,
    grad_input: &mut [f32],
) {
    let OutputGradient { values, row, weights } = given;
    let channels = shape.in_channels;
    simd.run(
        #[inline(always)]
        || {
            for (position, target) in grad_input.chunks_exact_mut(channels).enumerate() {
                let (y, x) = (position / shape.width, position % shape.width);
                for (tap, weight) in weights.chunks_exact(channels).enumerate() {
                    let vertical = source(shape, 0, y, tap / shape.kernel[1]);
                    let horizontal = source(shape, 1, x, tap % shape.kernel[1]);
                    if let (Some(vertical), Some(horizontal)) = (vertical, horizontal) {
                        let from = vertical * row + horizontal * channels;
                        multiply_add(target, [&values[from..from + channels], weight]);
                    }
                }
            }
        },
    );
}

/// The output that reads input `position` through `tap`, if there is one.
#[inline(always)]
fn source(shape: &ConvolutionShape, direction: usize, position: usize, tap: usize) -> Option<usize> {
    let outputs = if direction == 0 { shape.out_height() } else { shape.out_width() };
    let distance = (position + shape.padding[direction][0]).checked_sub(tap * shape.dilation[direction])?;
    let index = distance / shape.stride[direction];
    (distance.is_multiple_of(shape.stride[direction]) && index < outputs).then_some(index)
}

/// Adds the part of a pass of one image to the weight gradient.
pub(super) fn add_grad_weights(
    simd: SimdLevel,
    shape: &ConvolutionShape,
    pass: GradientPass<'_>,
    grad_weights: &mut [f32],
) {
    let GradientPass { frames: frame, grad_output } = pass;
    let channels = shape.in_channels;
    simd.run(
        #[inline(always)]
        || {
            for (tap, target) in grad_weights.chunks_exact_mut(channels).enumerate() {
                for y in 0..shape.out_height() {
                    for x in 0..shape.out_width() {
                        let to = y * grad_output.row + x * channels;
                        let from = tap_offset(shape, y, x, tap);
                        let gradient = &grad_output.values[to..to + channels];
                        multiply_add(target, [&frame[from..from + channels], gradient]);
                    }
                }
            }
        },
    );
}
