//! Conversion of images to 8 bits per value.

use image::DynamicImage;

/// Converts an image to 8 bits per value: 16-bit values are assumed to span `bits`, floating-point values 0 to 1.
pub(super) fn to_bytes(image: DynamicImage, bits: u8) -> DynamicImage {
    let stretch = |values: &mut [u16], channels: usize, opacity: bool| {
        let white = (1u32 << bits) - 1;
        for pixel in values.chunks_exact_mut(channels) {
            for value in &mut pixel[..channels - usize::from(opacity)] {
                *value = (u32::from(*value).min(white) * 65_535 / white) as u16;
            }
        }
    };
    let mut image = image;
    if bits < 16 {
        match &mut image {
            DynamicImage::ImageLuma16(image) => stretch(image, 1, false),
            DynamicImage::ImageRgb16(image) => stretch(image, 3, false),
            DynamicImage::ImageLumaA16(image) => stretch(image, 2, true),
            DynamicImage::ImageRgba16(image) => stretch(image, 4, true),
            _ => {}
        }
    }
    match image.color() {
        color if color.bytes_per_pixel() == color.channel_count() => image,
        color if !color.has_color() && color.has_alpha() => image.into_luma_alpha8().into(),
        color if !color.has_color() => image.into_luma8().into(),
        color if color.has_alpha() => image.into_rgba8().into(),
        _ => image.into_rgb8().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Luma};

    fn grey(value: u16) -> DynamicImage {
        ImageBuffer::<Luma<u16>, _>::from_pixel(1, 1, Luma([value])).into()
    }

    #[test]
    fn values_span_the_bits_that_are_in_use() {
        for (value, bits, expected) in
            [(65_535, 16, 255), (32_768, 16, 128), (4_095, 12, 255), (2_048, 12, 128), (9_000, 12, 255), (255, 8, 255)]
        {
            assert_eq!(
                to_bytes(grey(value), bits).into_luma8().get_pixel(0, 0).0,
                [expected],
                "{value} of {bits} bits"
            );
        }
    }
}
