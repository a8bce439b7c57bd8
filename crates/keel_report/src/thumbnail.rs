//! Small images of samples and filters.

use keel_page::Interval;
use keel_page::charts::png;
use maud::{Markup, html};

/// Maximum side of an image in pixels; larger samples are averaged down.
const LONGEST_SIDE: usize = 96;

/// Height, width and channels of an image `[height, width, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageSize {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

/// Encodes the `values` of one image as PNG in base64, with its width and height; the ends of `range` map to black and
/// white. Only the first channel is shown unless there are three.
pub(crate) fn thumbnail(values: &[f32], size: ImageSize, range: Interval<f32>) -> Thumbnail {
    let Interval { low, high } = range;
    let ImageSize { height, width, channels } = size;
    let factor = height.max(width).div_ceil(LONGEST_SIDE).max(1);
    let (small_height, small_width) = ((height / factor).max(1), (width / factor).max(1));
    let span = (high - low).max(f32::MIN_POSITIVE);
    let mut pixels = Vec::with_capacity(small_height * small_width * 3);
    for row in 0..small_height {
        for column in 0..small_width {
            for colour in 0..3 {
                let channel = if channels == 3 { colour } else { 0 };
                let rows = row * factor..((row + 1) * factor).min(height);
                let columns = column * factor..((column + 1) * factor).min(width);
                let (mut sum, mut count) = (0.0, 0.0_f32);
                for y in rows {
                    for x in columns.clone() {
                        sum += values[(y * width + x) * channels + channel];
                        count += 1.0;
                    }
                }
                let share = (sum / count - low) / span;
                pixels.push((255.0 * share.clamp(0.0, 1.0)).round() as u8);
            }
        }
    }
    Thumbnail { png: png(&pixels, small_width, small_height), height: small_height, width: small_width }
}

/// An image for a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thumbnail {
    png: String,
    height: usize,
    width: usize,
}

impl Thumbnail {
    /// Renders the image as an element with `description` as its alternative text.
    pub(crate) fn html(&self, description: &str) -> Markup {
        // Small images are enlarged as squares, large ones are smoothed.
        let class = if self.height.max(self.width) <= 40 { "pixels" } else { "smooth" };
        let Thumbnail { png, height, width } = self;
        html! {
            img class=(class) src={ "data:image/png;base64," (png) } width=(width) height=(height) alt=(description);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_become_small_and_small_ones_stay() {
        let range = Interval { low: 0.0, high: 1.0 };
        let size = ImageSize { height: 200, width: 100, channels: 3 };
        let picture = thumbnail(&vec![0.5; 200 * 100 * 3], size, range);
        assert_eq!((picture.height, picture.width), (66, 33));
        let size = ImageSize { height: 1, width: 3, channels: 1 };
        let picture = thumbnail(&[0.0, f32::NAN, 2.0], size, range);
        assert_eq!((picture.height, picture.width), (1, 3));
        let html = picture.html("a <7>").into_string();
        assert!(html.contains("class=\"pixels\"") && html.contains("alt=\"a &lt;7&gt;\""), "{html}");
    }
}
