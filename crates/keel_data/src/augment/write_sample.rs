//! Flip, crop and first preprocessing pass in a single pass over the stored image.

use super::random_resized_crop::{Shown, write_window};
use super::stored_image::StoredImage;
use super::{CropBorder, Draw, WindowScratch};
use crate::dataset::SampleShape;
use crate::preprocess::elementwise::{Elementwise, Stored};

/// Values of one sample in their stored type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredSample<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) shape: &'a SampleShape,
}

/// Writes one sample to `output`, shifted and scaled; an image is first mirrored, moved or enlarged, and its blanked
/// area is set to zero.
pub(crate) fn write_sample<T: Stored>(
    sample: StoredSample<T>,
    draw: &Draw,
    elementwise: &Elementwise,
    scratch: &mut WindowScratch,
    output: &mut [f32],
) {
    let StoredSample { values, shape } = sample;
    let SampleShape::Image { height, width, channels } = *shape else {
        T::apply(elementwise, 0, values, output);
        return;
    };
    let image = StoredImage { values, height, width, channels };
    match draw.window {
        Some(window) => {
            let shown = Shown { window, flip: draw.flip, color: draw.color };
            write_window(image, shown, elementwise, scratch, output);
        }
        None => write_moved(image, draw, elementwise, output),
    }
    if let Some(tone) = draw.tone {
        tone.apply(elementwise, 0, output);
    }
    if let Some(([top, bottom], [left, right])) = draw.blank {
        for line in output.chunks_exact_mut(width * channels).take(bottom).skip(top) {
            line[left * channels..right * channels].fill(0.0);
        }
    }
}

/// Writes an image moved by the offset of `draw`, filling the uncovered area according to the border mode.
fn write_moved<T: Stored>(image: StoredImage<T>, draw: &Draw, elementwise: &Elementwise, output: &mut [f32]) {
    let StoredImage { values: source, height, width, channels } = image;
    let (down, right) = draw.offset;
    let stride = width * channels;
    let kept = width - right.unsigned_abs();
    let (to, from) = (right.max(0) as usize, (-right).max(0) as usize);
    for target_row in 0..height {
        let line = &mut output[target_row * stride..(target_row + 1) * stride];
        let Some(source_row) = draw.border.source(target_row as isize - down, height) else {
            line.fill(0.0);
            continue;
        };
        let source_line = &source[source_row * stride..][..stride];
        let start = target_row * stride + to * channels;
        for column in (0..to).chain(to + kept..width) {
            let pixel = column * channels..(column + 1) * channels;
            let Some(from) = draw.border.source(column as isize - right, width) else {
                line[pixel].fill(0.0);
                continue;
            };
            let from = if draw.flip { width - 1 - from } else { from } * channels;
            let values = &source_line[from..from + channels];
            T::apply(elementwise, target_row * stride + pixel.start, values, &mut line[pixel]);
        }
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
            let shown =
                if draw.border == CropBorder::Zeros { to * channels..(to + kept) * channels } else { 0..stride };
            for position in shown {
                line[position] += color[position % channels] * elementwise.scale()[target_row * stride + position];
            }
        }
    }
}

/// Maximum number of values mirrored at a time.
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
