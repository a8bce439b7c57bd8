//! Max pooling over windows of any size; adjacent 2x2 windows have [`super::pairs`].
//!
//! The position of each maximum in its window is stored as one byte (two for windows of more than 256 values), so that backward
//! reads neither input nor output.

use super::{ImageLengths, Pixel, PoolShape, images, pairs};
use crate::parallel::{Pieces, for_each_task};
use crate::simd::SimdLevel;

/// Number of channels processed at once.
const LANES: usize = 16;
/// Maximum number of values of a window whose positions fit into one byte.
const BYTE_PLACES: usize = 256;

/// Returns the number of bytes of the positions of the maxima of one image.
pub fn places_length(shape: &PoolShape) -> usize {
    shape.output_length() * if shape.area() <= BYTE_PLACES { 1 } else { 2 }
}

/// Computes the maximum of each window: `input` `[batch, height, width, channels]` to `output`. The first of equal values is
/// chosen, NaN is larger than everything, padding is never the maximum. The positions are written to `places` ([`places_length`]
/// bytes per image), unless it is empty.
///
/// # Panics
/// If lengths do not fit, a window has more than 65536 values, or `shape` is too large for any machine.
pub fn max_pool(simd: SimdLevel, shape: &PoolShape, input: &[f32], output: &mut [f32], places: &mut [u8]) {
    let ImageLengths { input: from, output: to } = shape.check();
    let (batch, kept) = (input.len() / from, places_length(shape));
    assert_eq!((input.len(), output.len()), (images(batch, from), images(batch, to)), "input and output");
    assert!(shape.area() <= 1 << 16, "a window of {} values", shape.area());
    let keep = !places.is_empty();
    assert!(!keep || places.len() >= images(batch, kept), "{} bytes for {} places", places.len(), output.len());
    let (output, places) = (Pieces::new(output), Pieces::new(places));
    for_each_task(batch, input.len(), |image| {
        // SAFETY: each task takes the parts of its own image.
        let output = unsafe { output.piece(image * to..(image + 1) * to) };
        let input = &input[image * from..(image + 1) * from];
        // SAFETY: as above.
        let places = unsafe { places.piece(if keep { image * kept..(image + 1) * kept } else { 0..0 }) };
        simd.run(
            #[inline(always)]
            || match (keep, shape.area() <= BYTE_PLACES) {
                _ if shape.is_pairs() => pairs::pool_image(shape, input, output, keep.then_some(places)),
                (false, _) => pool_image(shape, input, output, |_, _: &[u32]| {}),
                (true, true) => {
                    pool_image(shape, input, output, |start, from| store_bytes(&mut places[start..], from));
                }
                (true, false) => {
                    pool_image(shape, input, output, |start, from| store_words(&mut places[2 * start..], from));
                }
            },
        );
    });
}

/// Writes the input gradient: each output's gradient, `grad_output`, is passed to the position of its maximum in `grad_input`, with
/// the `places` of [`max_pool`].
///
/// # Panics
/// As described at [`max_pool`].
pub fn max_pool_backward(
    simd: SimdLevel,
    shape: &PoolShape,
    grad_output: &[f32],
    places: &[u8],
    grad_input: &mut [f32],
) {
    let ImageLengths { input: from, output: to } = shape.check();
    let (batch, kept) = (grad_output.len() / to, places_length(shape));
    assert_eq!((grad_input.len(), grad_output.len()), (images(batch, from), images(batch, to)), "gradients");
    assert!(places.len() >= images(batch, kept), "{} bytes for {} places", places.len(), grad_output.len());
    let grad_input = Pieces::new(grad_input);
    for_each_task(batch, batch * from, |image| {
        // SAFETY: each task takes its own image.
        let grad_input = unsafe { grad_input.piece(image * from..(image + 1) * from) };
        let grad_output = &grad_output[image * to..(image + 1) * to];
        let places = &places[image * kept..(image + 1) * kept];
        simd.run(
            #[inline(always)]
            || {
                if shape.is_pairs() {
                    pairs::scatter_image(shape, grad_output, places, grad_input);
                } else if shape.area() <= BYTE_PLACES {
                    scatter_image(shape, grad_output, places, grad_input, u32::from);
                } else {
                    scatter_image(shape, grad_output, places.as_chunks().0, grad_input, word);
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
            let best = largest::<LANES>(shape, window, &input[channel..]);
            best.store(output, start + channel, &mut keep);
            channel += LANES;
        }
        while channel + 4 <= shape.channels {
            let best = largest::<4>(shape, window, &input[channel..]);
            best.store(output, start + channel, &mut keep);
            channel += 4;
        }
        while channel < shape.channels {
            let best = largest::<1>(shape, window, &input[channel..]);
            best.store(output, start + channel, &mut keep);
            channel += 1;
        }
    });
}

/// Maxima of a window in some channels.
struct Largest<const N: usize> {
    values: [f32; N],
    places: [u32; N],
}

impl<const N: usize> Largest<N> {
    /// Writes the values starting at `start` and passes on the positions.
    #[inline(always)]
    fn store(self, output: &mut [f32], start: usize, keep: &mut impl FnMut(usize, &[u32])) {
        output[start..start + N].copy_from_slice(&self.values);
        keep(start, &self.places);
    }
}

/// Returns the maxima of the first `N` channels of `input`.
#[inline(always)]
fn largest<const N: usize>(shape: &PoolShape, window: Pixel, input: &[f32]) -> Largest<N> {
    let (mut best, mut places) = ([f32::NEG_INFINITY; N], [u32::MAX; N]);
    shape.for_each_place(window, |place, offset| {
        let values: &[f32; N] = input[offset..].first_chunk().expect("channels of one position");
        for lane in 0..N {
            let value = values[lane];
            // The first position is chosen even if its value is minus infinity, with which the search starts.
            let better = (value > best[lane]) | value.is_nan() | (places[lane] == u32::MAX);
            best[lane] = if better { value } else { best[lane] };
            places[lane] = if better { place as u32 } else { places[lane] };
        }
    });
    Largest { values: best, places }
}

/// Writes the input gradient of one image; `number` decodes a position.
#[inline(always)]
fn scatter_image<P: Copy>(
    shape: &PoolShape,
    grad_output: &[f32],
    places: &[P],
    grad_input: &mut [f32],
    number: impl Fn(P) -> u32 + Copy,
) {
    grad_input.fill(0.0);
    shape.for_each_window(|window, start| {
        let gradient = &grad_output[start..start + shape.channels];
        let places = &places[start..start + shape.channels];
        shape.for_each_place(window, |place, offset| {
            let target = &mut grad_input[offset..offset + shape.channels];
            for ((target, gradient), own) in target.iter_mut().zip(gradient).zip(places) {
                *target += if number(*own) == place as u32 { *gradient } else { 0.0 };
            }
        });
    });
}

#[inline(always)]
fn store_bytes(target: &mut [u8], places: &[u32]) {
    target.iter_mut().zip(places).for_each(|(target, place)| *target = *place as u8);
}

#[inline(always)]
fn store_words(target: &mut [u8], places: &[u32]) {
    let (words, _) = target.as_chunks_mut();
    words.iter_mut().zip(places).for_each(|(target, place)| *target = (*place as u16).to_ne_bytes());
}

/// Decodes a position of two bytes.
#[inline(always)]
fn word(bytes: [u8; 2]) -> u32 {
    u32::from(u16::from_ne_bytes(bytes))
}
