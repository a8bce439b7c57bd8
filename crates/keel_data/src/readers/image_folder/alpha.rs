//! Composition of transparent images on white.

use image::DynamicImage;

/// Returns the opaque colours of an 8-bit image, and true if any of it was transparent. The colour of fully transparent
/// pixels is arbitrary: programs leave black, white or remains of other pictures there.
pub(super) fn on_white(image: DynamicImage) -> (DynamicImage, bool) {
    match image {
        DynamicImage::ImageLumaA8(mut pixels) => {
            let transparent = flatten::<2>(&mut pixels);
            (DynamicImage::ImageLumaA8(pixels), transparent)
        }
        DynamicImage::ImageRgba8(mut pixels) => {
            let transparent = flatten::<4>(&mut pixels);
            (DynamicImage::ImageRgba8(pixels), transparent)
        }
        opaque => (opaque, false),
    }
}

/// Blends pixels of `N` values, the last one opacity, with white in place. Returns true if any pixel was transparent.
fn flatten<const N: usize>(pixels: &mut [u8]) -> bool {
    let mut transparent = false;
    for pixel in pixels.chunks_exact_mut(N) {
        let alpha = u32::from(pixel[N - 1]);
        if alpha == 255 {
            continue;
        }
        transparent = true;
        for value in &mut pixel[..N - 1] {
            *value = ((u32::from(*value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
        pixel[N - 1] = 255;
    }
    transparent
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{LumaA, Rgb, RgbImage, Rgba, RgbaImage};

    #[test]
    fn hidden_colours_are_white_and_half_transparent_ones_half_way() {
        for (pixel, expected) in [
            (Rgba([9, 8, 7, 0]), [255, 255, 255]),
            (Rgba([9, 8, 7, 255]), [9, 8, 7]),
            (Rgba([0, 255, 55, 51]), [204, 255, 215]),
        ] {
            let (image, transparent) = on_white(RgbaImage::from_pixel(1, 1, pixel).into());
            assert_eq!((image.into_rgb8().get_pixel(0, 0).0, transparent), (expected, pixel[3] < 255));
        }
        let grey = image::GrayAlphaImage::from_pixel(1, 1, LumaA([0, 0]));
        assert_eq!(on_white(grey.into()).0.into_luma8().get_pixel(0, 0).0, [255]);
        assert!(!on_white(RgbImage::from_pixel(1, 1, Rgb([1, 2, 3])).into()).1);
    }
}
