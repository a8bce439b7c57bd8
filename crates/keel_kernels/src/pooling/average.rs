//! Average pooling over windows and over whole images.

use super::PoolShape;
use crate::normalization::columns::paired_sums;
use crate::parallel::{Pieces, for_each_task};
use crate::simd;

/// Average of each window, padding counted as zeros: `input` `[batch, height, width, channels]` to `output`.
pub fn average_pool(shape: &PoolShape, input: &[f32], output: &mut [f32]) {
    let (from, to) = (shape.input_length(), shape.output_length());
    let batch = input.len() / from;
    assert_eq!((input.len(), output.len()), (batch * from, batch * to), "input and output");
    let share = 1.0 / shape.area() as f32;
    let output = Pieces::new(output);
    for_each_task(batch, input.len(), |image| {
        // SAFETY: each task takes its own image.
        let output = unsafe { output.piece(image * to..(image + 1) * to) };
        let input = &input[image * from..(image + 1) * from];
        simd::level().run(
            #[inline(always)]
            || {
                shape.for_each_window(|window, start| {
                    let output = &mut output[start..start + shape.channels];
                    output.fill(0.0);
                    shape.for_each_place(window, |_, offset| {
                        let values = &input[offset..offset + shape.channels];
                        output.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                    });
                    output.iter_mut().for_each(|sum| *sum *= share);
                });
            },
        );
    });
}

/// Shares each output's gradient equally among the places of its window.
pub fn average_pool_backward(shape: &PoolShape, grad_output: &[f32], grad_input: &mut [f32]) {
    let (from, to) = (shape.input_length(), shape.output_length());
    let batch = grad_output.len() / to;
    assert_eq!((grad_input.len(), grad_output.len()), (batch * from, batch * to), "gradients");
    let share = 1.0 / shape.area() as f32;
    let grad_input = Pieces::new(grad_input);
    for_each_task(batch, batch * from, |image| {
        // SAFETY: each task takes its own image.
        let grad_input = unsafe { grad_input.piece(image * from..(image + 1) * from) };
        let grad_output = &grad_output[image * to..(image + 1) * to];
        simd::level().run(
            #[inline(always)]
            || {
                grad_input.fill(0.0);
                shape.for_each_window(|window, start| {
                    let gradient = &grad_output[start..start + shape.channels];
                    shape.for_each_place(window, |_, offset| {
                        let target = &mut grad_input[offset..offset + shape.channels];
                        target.iter_mut().zip(gradient).for_each(|(target, value)| *target += value * share);
                    });
                });
            },
        );
    });
}

/// Average over all positions: `input` `[batch, positions, channels]` to `output` `[batch, channels]`; `scratch` holds
/// as many floats as `output`.
pub fn global_average(positions: usize, channels: usize, input: &[f32], (output, scratch): (&mut [f32], &mut [f32])) {
    let length = positions * channels;
    let batch = input.len() / length;
    assert_eq!((input.len(), output.len()), (batch * length, batch * channels), "input and output");
    assert!(scratch.len() >= output.len(), "scratch");
    let (output, scratch) = (Pieces::new(output), Pieces::new(scratch));
    for_each_task(batch, input.len(), |image| {
        let range = image * channels..(image + 1) * channels;
        // SAFETY: each task takes the parts of its own image.
        let (output, unused) = unsafe { (output.piece(range.clone()), scratch.piece(range)) };
        let input = &input[image * length..(image + 1) * length];
        simd::level().run(
            #[inline(always)]
            || {
                paired_sums((input, input), [], |value, _, []| [value, 0.0], (&mut *output, unused));
                output.iter_mut().for_each(|sum| *sum /= positions as f32);
            },
        );
    });
}

/// Shares each gradient `[batch, channels]` equally among all positions of `grad_input` `[batch, positions, channels]`.
pub fn global_average_backward(positions: usize, channels: usize, grad_output: &[f32], grad_input: &mut [f32]) {
    assert_eq!(grad_input.len(), grad_output.len() * positions, "gradients");
    let share = 1.0 / positions as f32;
    let length = positions * channels;
    let batch = grad_output.len() / channels;
    let grad_input = Pieces::new(grad_input);
    for_each_task(batch, batch * length, |image| {
        // SAFETY: each task takes its own image.
        let grad_input = unsafe { grad_input.piece(image * length..(image + 1) * length) };
        let gradient = &grad_output[image * channels..(image + 1) * channels];
        simd::level().run(
            #[inline(always)]
            || {
                for row in grad_input.chunks_exact_mut(channels) {
                    row.iter_mut().zip(gradient).for_each(|(target, value)| *target = value * share);
                }
            },
        );
    });
}
