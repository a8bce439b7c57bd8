//! Renders a batch as an image: the input of the network after augmentation.

use crate::dataset::SampleShape;
use crate::error::DataError;
use crate::preprocess::Preprocessor;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

/// Minimum side of a sample in the picture; smaller samples are enlarged by an integer factor.
const SMALLEST_SIDE: usize = 48;
/// Gap between samples in pixels.
const GAP: usize = 2;

/// Renders a grid of the first `count` samples of `inputs` (`[batch, height, width, channels]`, preprocessed) as PNG bytes.
///
/// Shift and scale are undone, and the dataset's `value_range` maps to black and white; whitened images use their own
/// smallest and largest value instead. Samples with a channel count other than 1 or 3 show their first channel.
///
/// # Errors
/// Fails if samples are not images.
pub fn batch_picture(
    inputs: &[f32],
    preprocessor: &Preprocessor,
    value_range: (f32, f32),
    count: usize,
) -> Result<Vec<u8>, DataError> {
    let SampleShape::Image { height, width, channels } = *preprocessor.output_shape() else {
        return Err(DataError::shape("samples for a picture", "images", preprocessor.output_shape()));
    };
    let samples: Vec<&[f32]> = inputs.chunks_exact(height * width * channels).take(count).collect();
    if samples.is_empty() {
        return Err(DataError::shape("samples for a picture", "at least one", 0));
    }
    let factor = SMALLEST_SIDE.div_ceil(height.min(width)).max(1);
    let grid_columns = (samples.len() as f64).sqrt().ceil() as usize;
    let cell = (height * factor + GAP, width * factor + GAP);
    let picture_width = grid_columns * cell.1 + GAP;
    let picture_height = samples.len().div_ceil(grid_columns) * cell.0 + GAP;
    let mut pixels = vec![32u8; picture_width * picture_height * 3];
    for (number, sample) in samples.iter().enumerate() {
        let bytes = visible(sample, preprocessor, value_range);
        let (top, left) = (number / grid_columns * cell.0 + GAP, number % grid_columns * cell.1 + GAP);
        for row in 0..height * factor {
            for column in 0..width * factor {
                let source = (row / factor * width + column / factor) * channels;
                let target = ((top + row) * picture_width + left + column) * 3;
                for color in 0..3 {
                    pixels[target + color] = bytes[source + if channels == 3 { color } else { 0 }];
                }
            }
        }
    }
    encode(&pixels, picture_width, picture_height)
}

/// Converts one sample to bytes.
fn visible(sample: &[f32], preprocessor: &Preprocessor, value_range: (f32, f32)) -> Vec<u8> {
    let to_byte = |value: f32, (low, high): (f32, f32)| {
        ((value - low) / (high - low).max(f32::MIN_POSITIVE) * 255.0).round().clamp(0.0, 255.0) as u8
    };
    match preprocessor.only_elementwise() {
        Some(elementwise) => {
            let raw = |(position, &value): (usize, &f32)| to_byte(elementwise.invert(position, value), value_range);
            sample.iter().enumerate().map(raw).collect()
        }
        None => {
            let low = sample.iter().copied().fold(f32::INFINITY, f32::min);
            let high = sample.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            sample.iter().map(|&value| to_byte(value, (low, high))).collect()
        }
    }
}

fn encode(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>, DataError> {
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(pixels, width as u32, height as u32, ExtendedColorType::Rgb8)
        .map_err(|error| DataError::shape("picture of a batch", "a size that PNG can hold", error))?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::preprocess::{PreprocessScratch, PreprocessStep};

    #[test]
    fn digits_come_back_from_their_standardised_values() {
        let digits = Dataset::digits().unwrap();
        let all: Vec<usize> = (0..digits.samples()).collect();
        let preprocessor = Preprocessor::fit(&digits, &all, &[PreprocessStep::Standardize]).unwrap();
        let mut inputs = vec![0.0; 5 * 64];
        preprocessor.gather(&digits, &all[..5], &mut inputs, &mut PreprocessScratch::default()).unwrap();
        let png = batch_picture(&inputs, &preprocessor, digits.value_range(), 5).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (3 * 50 + 2, 2 * 50 + 2));
        let mut raw = [0.0; 64];
        for sample in 0..5 {
            digits.copy_sample(sample, &mut raw).unwrap();
            for (pixel, value) in raw.iter().enumerate() {
                let (left, top) = (sample % 3 * 50 + 2 + pixel % 8 * 6, sample / 3 * 50 + 2 + pixel / 8 * 6);
                let shown = picture.get_pixel(left as u32, top as u32).0;
                let expected = (value / 16.0 * 255.0).round() as u8;
                assert!(shown.iter().all(|color| color.abs_diff(expected) <= 1), "{shown:?} for {expected}");
            }
        }
    }

    #[test]
    fn tables_have_no_picture() {
        let preprocessor = Preprocessor::identity(SampleShape::Features(3));
        assert!(batch_picture(&[0.0; 3], &preprocessor, (0.0, 1.0), 1).is_err());
    }
}
