//! Random part of the image enlarged to full size (Szegedy et al. 2015, section 6).

use super::stored_image::StoredImage;
use crate::catalog::CatalogEntry;
use crate::dataset::Sides;
use crate::preprocess::elementwise::{Elementwise, Stored};
use crate::random::uniform;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "random_resized_crop",
    summary: "enlarge a random part of the image, at least this share of its area",
};

/// Maximum ratio between the stretch of the two sides.
const ASPECT: f64 = 4.0 / 3.0;

/// Part of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    pub(crate) top: f32,
    pub(crate) left: f32,
    pub(crate) height: f32,
    pub(crate) width: f32,
}

/// Draws a part of `image`: its share of the area is uniform between `smallest` and 1, its aspect ratio differs from
/// the image's by up to a third, and its position is uniform. Returns `None` if `smallest` is 0 (off).
pub(super) fn draw(stream: &mut ChaCha8Rng, smallest: f64, image: Sides) -> Option<Window> {
    if smallest == 0.0 {
        return None;
    }
    let share = smallest + (1.0 - smallest) * uniform(stream);
    // A part wider than `limit` would extend past the sides of the image.
    let limit = ASPECT.min(1.0 / share).ln();
    let aspect = (limit * (2.0 * uniform(stream) - 1.0)).exp();
    let height = image.height as f64 * (share / aspect).sqrt().min(1.0);
    let width = image.width as f64 * (share * aspect).sqrt().min(1.0);
    let top = (image.height as f64 - height) * uniform(stream);
    let left = (image.width as f64 - width) * uniform(stream);
    Some(Window { top: top as f32, left: left as f32, height: height as f32, width: width as f32 })
}

/// Scratch buffers of [`write_window`]; they grow to the width of the images and are kept.
#[derive(Debug, Default)]
pub(crate) struct WindowScratch {
    columns: Vec<Between>,
    row: Vec<f32>,
}

/// Interpolation point in a row or column: the first pixel, the second pixel, and the weight of the second.
#[derive(Debug, Clone, Copy)]
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

impl Between {
    /// Maps output pixel `target` of `length` to its position within the `extent` source pixels from `start`.
    fn new(target: usize, length: usize, start: f32, extent: f32) -> Self {
        let place = (target as f32 + 0.5) * (extent / length as f32) + start - 0.5;
        let place = place.clamp(0.0, (length - 1) as f32);
        let first = place as usize;
        Between { first, second: (first + 1).min(length - 1), share: place - first as f32 }
    }
}

/// Part of an image to show, and how to transform it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) window: Window,
    /// Mirrored left to right.
    pub(super) flip: bool,
    /// Added to red, green and blue, in raw units.
    pub(super) color: Option<[f32; 3]>,
}

/// Writes a part of `image`, enlarged to the image's size, to `output`: bilinear interpolation, then shift and scale.
pub(super) fn write_window<T: Stored>(
    image: StoredImage<T>,
    shown: Shown,
    elementwise: &Elementwise,
    scratch: &mut WindowScratch,
    output: &mut [f32],
) {
    let StoredImage { values: source, height, width, channels } = image;
    let Shown { window, flip, color } = shown;
    let stride = width * channels;
    let WindowScratch { columns, row } = scratch;
    columns.clear();
    columns.extend((0..width).map(|column| {
        let column = if flip { width - 1 - column } else { column };
        Between::new(column, width, window.left, window.width)
    }));
    let (start, end) =
        columns.iter().fold((width, 0), |(start, end), column| (start.min(column.first), end.max(column.second + 1)));
    row.resize(stride, 0.0);
    for (target, line) in output.chunks_exact_mut(stride).enumerate() {
        let between = Between::new(target, height, window.top, window.height);
        let part = |row: usize| &source[row * stride..][start * channels..end * channels];
        let rows = [part(between.first), part(between.second)];
        blend(rows, between.share, &mut row[start * channels..end * channels]);
        let position = target * stride..(target + 1) * stride;
        let (shift, scale) = (&elementwise.shift()[position.clone()], &elementwise.scale()[position]);
        match channels {
            1 => interpolate::<1>(columns, row, line),
            3 => interpolate::<3>(columns, row, line),
            _ => interpolate_any(channels, columns, row, line),
        }
        for ((value, shift), scale) in line.iter_mut().zip(shift).zip(scale) {
            *value = (*value - shift) * scale;
        }
        if let Some(color) = color {
            for (position, (value, scale)) in line.iter_mut().zip(scale).enumerate() {
                *value += color[position % channels] * scale;
            }
        }
    }
}

fn blend<T: Stored>([first, second]: [&[T]; 2], share: f32, output: &mut [f32]) {
    for ((output, &first), &second) in output.iter_mut().zip(first).zip(second) {
        let first = first.value();
        *output = first + share * (second.value() - first);
    }
}

fn interpolate<const N: usize>(columns: &[Between], row: &[f32], line: &mut [f32]) {
    for (column, pixel) in columns.iter().zip(line.chunks_exact_mut(N)) {
        let (first, second) = (&row[column.first * N..][..N], &row[column.second * N..][..N]);
        for channel in 0..N {
            pixel[channel] = first[channel] + column.share * (second[channel] - first[channel]);
        }
    }
}

fn interpolate_any(channels: usize, columns: &[Between], row: &[f32], line: &mut [f32]) {
    for (column, pixel) in columns.iter().zip(line.chunks_exact_mut(channels)) {
        let (first, second) = (&row[column.first * channels..], &row[column.second * channels..]);
        for (channel, value) in pixel.iter_mut().enumerate() {
            *value = first[channel] + column.share * (second[channel] - first[channel]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    fn windows(smallest: f64, image: Sides, count: u64) -> Vec<Window> {
        (0..count).map(|n| draw(&mut stream(3, Purpose::Augmentation, 0, n), smallest, image).unwrap()).collect()
    }

    #[test]
    fn windows_stay_inside_and_their_areas_are_uniform() {
        let (height, width) = (40usize, 90usize);
        let windows = windows(0.2, Sides { height, width }, 4_000);
        let mut counts = [0usize; 8];
        for window in &windows {
            assert!(window.top >= 0.0 && window.left >= 0.0, "{window:?}");
            assert!(window.top + window.height <= 40.001 && window.left + window.width <= 90.001, "{window:?}");
            let share = window.height * window.width / (height * width) as f32;
            let aspect = window.width / window.height * height as f32 / width as f32;
            assert!((0.749..1.335).contains(&aspect), "{window:?}");
            counts[((share - 0.2) * 10.0).clamp(0.0, 7.9) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (420..580).contains(&count)), "{counts:?}");
        assert!(windows.iter().any(|window| window.top > 5.0) && windows.iter().any(|window| window.top < 1.0));
        assert_eq!(draw(&mut stream(3, Purpose::Augmentation, 0, 0), 0.0, Sides { height: 4, width: 4 }), None);
    }

    #[test]
    fn the_whole_image_is_itself() {
        for window in windows(1.0, Sides { height: 5, width: 7 }, 20) {
            assert_eq!(window, Window { top: 0.0, left: 0.0, height: 5.0, width: 7.0 });
        }
    }
}
