//! Images embedded in a page: PNG in base64.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// Encodes RGB bytes, or RGBA bytes if there are four per pixel, as PNG in base64.
pub fn png(pixels: &[u8], width: usize, height: usize) -> String {
    let mut bytes = Vec::new();
    let opaque = pixels.len() == 3 * width * height;
    let colours = if opaque { ExtendedColorType::Rgb8 } else { ExtendedColorType::Rgba8 };
    PngEncoder::new(&mut bytes)
        .write_image(pixels, width as u32, height as u32, colours)
        .expect("three or four bytes a pixel, written to memory");
    base64(&bytes)
}

/// Encodes bytes as base64 text (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, index| word << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for digit in 0..4 {
            let filled = digit <= chunk.len();
            let value = (word >> (18 - 6 * digit)) as usize & 63;
            text.push(if filled { DIGITS[value] as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_standard() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
