//! Max pooling over windows of any size; 2x2 windows side by side have [`super::pairs`]. The place of each maximum in its window is kept as one byte (two for windows of more than 256 values),
//! so that backward reads neither input nor output.

use super::{PoolShape, pairs};
use crate::parallel::{Pieces, for_each_task};
use crate::simd;

/// Channels handled at once.
const LANES: usize = 16;
/// Largest window whose places fit one byte.
const BYTE_PLACES: usize = 256;

/// Floats that hold the places of the maxima of one image.
pub fn argmax_length(shape: &PoolShape) -> usize {
    let bytes = shape.output_length() * if shape.area() <= BYTE_PLACES { 1 } else { 2 };
    bytes.div_ceil(size_of::<f32>())
}

/// Largest value of each window: `input` `[batch, height, width, channels]` to `output`. The first of equal values wins,
/// NaN beats everything, padding never wins. The places go to `argmax` ([`argmax_length`] floats an image, opaque bits),
/// unless it is empty.
///
/// # Panics
/// If lengths do not fit, or a window has more than 65536 values.
pub fn max_pool(shape: &PoolShape, input: &[f32], argmax: &mut [f32], output: &mut [f32]) {
    let (from, to, kept) = (shape.input_length(), shape.output_length(), argmax_length(shape));
    let batch = input.len() / from;
    assert_eq!((input.len(), output.len()), (batch * from, batch * to), "input and output");
    assert!(shape.area() <= 1 << 16, "a window of {} values", shape.area());
    let keep = !argmax.is_empty();
    let (output, argmax) = (Pieces::new(output), Pieces::new(argmax));
    for_each_task(batch, input.len(), |image| {
        // SAFETY: each task takes the parts of its own image.
        let output = unsafe { output.piece(image * to..(image + 1) * to) };
        let input = &input[image * from..(image + 1) * from];
        // SAFETY: as above.
        let argmax = unsafe { argmax.piece(if keep { image * kept..(image + 1) * kept } else { 0..0 }) };
        simd::level().run(
            #[inline(always)]
            || match (keep, shape.area() <= BYTE_PLACES) {
                _ if shape.is_pairs() => pairs::pool_image(shape, input, output, keep.then(|| bytes_mut(argmax))),
                (false, _) => pool_image(shape, input, output, |_, _: &[u32]| {}),
                (true, true) => {
                    let argmax = bytes_mut(argmax);
                    pool_image(shape, input, output, |start, places| store_bytes(&mut argmax[start..], places));
                }
                (true, false) => {
                    let argmax = words_mut(argmax);
                    pool_image(shape, input, output, |start, places| store_words(&mut argmax[start..], places));
                }
            },
        );
    });
}

/// Gives each output's gradient to the place of its maximum: `grad_output` to `grad_input`, with the `argmax` that
/// [`max_pool`] left.
pub fn max_pool_backward(shape: &PoolShape, grad_output: &[f32], argmax: &[f32], grad_input: &mut [f32]) {
    let (from, to, kept) = (shape.input_length(), shape.output_length(), argmax_length(shape));
    let batch = grad_output.len() / to;
    assert_eq!((grad_input.len(), grad_output.len()), (batch * from, batch * to), "gradients");
    assert!(argmax.len() >= batch * kept, "places");
    let grad_input = Pieces::new(grad_input);
    for_each_task(batch, batch * from, |image| {
        // SAFETY: each task takes its own image.
        let grad_input = unsafe { grad_input.piece(image * from..(image + 1) * from) };
        let grad_output = &grad_output[image * to..(image + 1) * to];
        let argmax = &argmax[image * kept..(image + 1) * kept];
        simd::level().run(
            #[inline(always)]
            || {
                if shape.is_pairs() {
                    pairs::scatter_image(shape, grad_output, bytes(argmax), grad_input);
                } else if shape.area() <= BYTE_PLACES {
                    scatter_image(shape, grad_output, bytes(argmax), grad_input);
                } else {
                    scatter_image(shape, grad_output, words(argmax), grad_input);
                }
            },
        );
    });
}

#[inline(always)]
fn pool_image(shape: &PoolShape, input: &[f32], output: &mut [f32], mut keep: impl FnMut(usize, &[u32])) {
    shape.for_each_window(|window, start| {
        let mut channel = 0;
        while channel + LANES <= shape.channels {
            pool_lanes::<LANES>(shape, window, (input, channel), (output, start + channel), &mut keep);
            channel += LANES;
        }
        while channel + 4 <= shape.channels {
            pool_lanes::<4>(shape, window, (input, channel), (output, start + channel), &mut keep);
            channel += 4;
        }
        while channel < shape.channels {
            pool_lanes::<1>(shape, window, (input, channel), (output, start + channel), &mut keep);
            channel += 1;
        }
    });
}

#[inline(always)]
fn pool_lanes<const N: usize>(
    shape: &PoolShape,
    window: (usize, usize),
    (input, channel): (&[f32], usize),
    (output, start): (&mut [f32], usize),
    keep: &mut impl FnMut(usize, &[u32]),
) {
    let (mut best, mut places) = ([f32::NEG_INFINITY; N], [u32::MAX; N]);
    shape.for_each_place(window, |place, offset| {
        let values: &[f32; N] = input[offset + channel..].first_chunk().expect("channels of one position");
        for lane in 0..N {
            let value = values[lane];
            // The first place wins even over the minus infinity the search starts with.
            let better = (value > best[lane]) | value.is_nan() | (places[lane] == u32::MAX);
            best[lane] = if better { value } else { best[lane] };
            places[lane] = if better { place as u32 } else { places[lane] };
        }
    });
    output[start..start + N].copy_from_slice(&best);
    keep(start, &places);
}

#[inline(always)]
fn scatter_image<P: Copy + Into<u32>>(shape: &PoolShape, grad_output: &[f32], argmax: &[P], grad_input: &mut [f32]) {
    grad_input.fill(0.0);
    shape.for_each_window(|window, start| {
        let gradient = &grad_output[start..start + shape.channels];
        let argmax = &argmax[start..start + shape.channels];
        shape.for_each_place(window, |place, offset| {
            let target = &mut grad_input[offset..offset + shape.channels];
            for ((target, gradient), argmax) in target.iter_mut().zip(gradient).zip(argmax) {
                *target += if (*argmax).into() == place as u32 { *gradient } else { 0.0 };
            }
        });
    });
}

#[inline(always)]
fn store_bytes(target: &mut [u8], places: &[u32]) {
    target.iter_mut().zip(places).for_each(|(target, place)| *target = *place as u8);
}

#[inline(always)]
fn store_words(target: &mut [u16], places: &[u32]) {
    target.iter_mut().zip(places).for_each(|(target, place)| *target = *place as u16);
}

/// The bytes of `floats`.
pub(crate) fn bytes_mut(floats: &mut [f32]) -> &mut [u8] {
    // SAFETY: same memory, weaker alignment; every bit pattern is valid for both types.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), 4 * floats.len()) }
}

fn words_mut(floats: &mut [f32]) -> &mut [u16] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), 2 * floats.len()) }
}

/// The bytes of `floats`.
pub(crate) fn bytes(floats: &[f32]) -> &[u8] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), 4 * floats.len()) }
}

fn words(floats: &[f32]) -> &[u16] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), 2 * floats.len()) }
}
