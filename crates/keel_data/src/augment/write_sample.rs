//! Flip, crop and the first preprocessing pass in one walk over the stored image.

use super::Draw;
use crate::dataset::SampleShape;
use crate::preprocess::elementwise::{Elementwise, Stored};

/// Writes one image `[height, width, channels]` to `output`: mirrored, moved, shifted and scaled; zeros where the image
/// has moved away and where it is blanked.
pub(crate) fn write_sample<T: Stored>(
    source: &[T],
    shape: &SampleShape,
    draw: &Draw,
    elementwise: &Elementwise,
    output: &mut [f32],
) {
    let SampleShape::Image { height, width, channels } = *shape else {
        T::apply(elementwise, 0, source, output);
        return;
    };
    let (down, right) = draw.offset;
    let stride = width * channels;
    let kept = width - right.unsigned_abs();
    let (to, from) = (right.max(0) as usize, (-right).max(0) as usize);
    for target_row in 0..height {
        let line = &mut output[target_row * stride..(target_row + 1) * stride];
        let source_row = target_row as isize - down;
        if !(0..height as isize).contains(&source_row) {
            line.fill(0.0);
            continue;
        }
        let source_line = &source[source_row as usize * stride..][..stride];
        let start = target_row * stride + to * channels;
        line[..to * channels].fill(0.0);
        line[(to + kept) * channels..].fill(0.0);
        let target = &mut line[to * channels..(to + kept) * channels];
        if draw.flip {
            write_mirrored(
                &source_line[(width - from - kept) * channels..(width - from) * channels],
                channels,
                |run, at, values| {
                    T::apply(elementwise, start + at, values, &mut target[at..at + run]);
                },
            );
        } else {
            T::apply(elementwise, start, &source_line[from * channels..(from + kept) * channels], target);
        }
        if let Some(color) = draw.color {
            for (position, value) in target.iter_mut().enumerate() {
                *value += color[position % channels] * elementwise.scale()[start + position];
            }
        }
    }
    if let Some(([top, bottom], [left, right])) = draw.blank {
        for line in output.chunks_exact_mut(stride).take(bottom).skip(top) {
            line[left * channels..right * channels].fill(0.0);
        }
    }
}

/// Most values of a row mirrored at a time.
const PIECE: usize = 192;

/// Calls `apply(length, position, values)` for pieces of `source` with its pixels in reverse order.
fn write_mirrored<T: Stored>(source: &[T], channels: usize, mut apply: impl FnMut(usize, usize, &[T])) {
    let mut piece = [T::default(); PIECE];
    let pixels_per_piece = PIECE / channels;
    if pixels_per_piece == 0 {
        for (pixel, values) in source.chunks_exact(channels).rev().enumerate() {
            apply(channels, pixel * channels, values);
        }
        return;
    }
    let mut position = 0;
    for part in source.rchunks(pixels_per_piece * channels) {
        for (target, pixel) in piece.chunks_exact_mut(channels).zip(part.chunks_exact(channels).rev()) {
            target.copy_from_slice(pixel);
        }
        apply(part.len(), position, &piece[..part.len()]);
        position += part.len();
    }
}
