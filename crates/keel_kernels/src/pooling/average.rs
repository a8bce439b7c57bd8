//! Average pooling over windows.

use super::{ImageLengths, PoolShape, images};
use crate::parallel::{Pieces, for_each_task};
use crate::simd::SimdLevel;

/// Computes the average of each window, padding counted as zeros: `input` `[batch, height, width, channels]` to `output`.
///
/// # Panics
/// If lengths do not fit, or `shape` is too large for any machine.
pub fn average_pool(simd: SimdLevel, shape: &PoolShape, input: &[f32], output: &mut [f32]) {
    let ImageLengths { input: from, output: to } = shape.check();
    let batch = input.len() / from;
    assert_eq!((input.len(), output.len()), (images(batch, from), images(batch, to)), "input and output");
    let share = 1.0 / shape.area() as f32;
    let output = Pieces::new(output);
    for_each_task(batch, input.len(), |image| {
        // SAFETY: each task takes its own image.
        let output = unsafe { output.piece(image * to..(image + 1) * to) };
        let input = &input[image * from..(image + 1) * from];
        simd.run(
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

/// Distributes each output's gradient equally over the positions of its window.
///
/// # Panics
/// As described at [`average_pool`].
pub fn average_pool_backward(simd: SimdLevel, shape: &PoolShape, grad_output: &[f32], grad_input: &mut [f32]) {
    let ImageLengths { input: from, output: to } = shape.check();
    let batch = grad_output.len() / to;
    assert_eq!((grad_input.len(), grad_output.len()), (images(batch, from), images(batch, to)), "gradients");
    let share = 1.0 / shape.area() as f32;
    let grad_input = Pieces::new(grad_input);
    for_each_task(batch, batch * from, |image| {
        // SAFETY: each task takes its own image.
        let grad_input = unsafe { grad_input.piece(image * from..(image + 1) * from) };
        let grad_output = &grad_output[image * to..(image + 1) * to];
        simd.run(
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
