//! Fast box reduction of large images, applied before the filter that resizes them.

use crate::config::{Fit, ResizeFilter};
use crate::dataset::{ImageDecoding, Sides};
use image::{DynamicImage, GrayImage, ImageBuffer, Pixel, RgbImage};

/// Minimum ratio of the reduced sides to the requested size, so that the filter that follows determines the appearance.
const LEFT: usize = 3;

/// Averages boxes of pixels if the image (grey or RGB, 8 bits) is at least six times as large as `target`.
pub(super) fn shrink(image: DynamicImage, target: Sides, decoding: &ImageDecoding) -> DynamicImage {
    if decoding.resize_filter == ResizeFilter::Nearest {
        return image;
    }
    let from = Sides { height: image.height() as usize, width: image.width() as usize };
    let (mut down, mut across) = (from.height / target.height / LEFT, from.width / target.width / LEFT);
    if decoding.fit != Fit::Stretch {
        (down, across) = (down.min(across), down.min(across));
    }
    let to = Sides { height: from.height / down.max(1), width: from.width / across.max(1) };
    if to == from {
        return image;
    }
    match image {
        DynamicImage::ImageLuma8(image) => GrayImage::into(boxes::<_, 1>(&image, to)),
        DynamicImage::ImageRgb8(image) => RgbImage::into(boxes::<_, 3>(&image, to)),
        other => other,
    }
}

/// Averages the image over as many boxes as `to` has pixels; they cover the image, and their sides differ by at most one pixel.
fn boxes<P: Pixel<Subpixel = u8>, const N: usize>(
    image: &ImageBuffer<P, Vec<u8>>,
    to: Sides,
) -> ImageBuffer<P, Vec<u8>> {
    let Sides { height, width } = to;
    let (from_height, stride) = (image.height() as usize, image.width() as usize * N);
    let from_width = image.width() as usize;
    let pixels: &[u8] = image;
    let mut sums = vec![0u32; stride];
    let mut output = Vec::with_capacity(height * width * N);
    for row in 0..height {
        let rows = row * from_height / height..(row + 1) * from_height / height;
        sums.fill(0);
        for line in pixels[rows.start * stride..rows.end * stride].chunks_exact(stride) {
            sums.iter_mut().zip(line).for_each(|(sum, &value)| *sum += u32::from(value));
        }
        for column in 0..width {
            let columns = column * from_width / width..(column + 1) * from_width / width;
            let count = (rows.len() * columns.len()) as u64;
            for channel in 0..N {
                let sum: u64 = columns.clone().map(|column| u64::from(sums[column * N + channel])).sum();
                output.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    ImageBuffer::from_fn(width as u32, height as u32, |x, y| {
        *P::from_slice(&output[(y as usize * width + x as usize) * N..][..N])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb};

    const DECODING: ImageDecoding =
        ImageDecoding { resize_filter: ResizeFilter::Bilinear, fit: Fit::Stretch, sample_bits: 16 };

    #[test]
    fn boxes_are_means_and_cover_the_image_evenly() {
        let image = GrayImage::from_fn(13, 9, |x, y| Luma([(x * 10 + y) as u8]));
        let small = boxes::<_, 1>(&image, Sides { height: 2, width: 3 });
        assert_eq!((small.height(), small.width()), (2, 3));
        // Columns 0..4 of rows 0..4: the mean of 10 x + y is 15 + 1.5.
        assert_eq!(small.get_pixel(0, 0).0, [17]);
        // A box whose sum exceeds 32 bits.
        let white = GrayImage::from_pixel(4_500, 4_500, Luma([255]));
        assert_eq!(boxes::<_, 1>(&white, Sides { height: 1, width: 1 }).get_pixel(0, 0).0, [255]);
        let flat = RgbImage::from_pixel(40, 30, Rgb([1, 100, 255]));
        assert!(boxes::<_, 3>(&flat, Sides { height: 7, width: 11 }).pixels().all(|pixel| pixel.0 == [1, 100, 255]));
    }

    #[test]
    fn only_large_images_shrink_and_they_stay_three_times_the_size() {
        let cases = [
            ((700, 300), Fit::Stretch, 100, (350, 300)),
            ((399, 300), Fit::Crop, 100, (399, 300)),
            ((4_000, 3_000), Fit::Crop, 100, (400, 300)),
            ((90, 3_000), Fit::Crop, 30, (90, 3_000)),
        ];
        for ((width, height), fit, side, expected) in cases {
            let target = Sides { height: side, width: side };
            let image = DynamicImage::from(GrayImage::new(width, height));
            let small = shrink(image, target, &ImageDecoding { fit, ..DECODING });
            assert_eq!((small.width(), small.height()), expected);
        }
    }
}
