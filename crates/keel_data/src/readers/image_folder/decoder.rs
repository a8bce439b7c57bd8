//! Decoding of one image file to bytes of a given size.

use super::alpha::on_white;
use super::eight_bits::to_bytes;
use super::header::swaps_sides;
use super::pixels::{self, Stored};
use super::shrink::shrink;
use crate::config::{Fit, ResizeFilter};
use crate::dataset::{ImageDecoding, SampleShape, Sides};
use crate::error::DataError;
use crate::readers::data_file::ByteLimit;
use image::DynamicImage;
use image::imageops::FilterType;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Facts about an image that was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decoded {
    /// True if any part is transparent.
    pub(super) transparent: bool,
}

/// Decodes an image (the first frame of an animation), composes transparent parts on white, applies its EXIF
/// orientation, converts it to `shape` and writes its bytes to `output`, `[height, width, channels]`.
pub(super) fn decode(
    path: &Path,
    shape: &SampleShape,
    decoding: &ImageDecoding,
    limit: ByteLimit,
    output: &mut [u8],
) -> Result<Decoded, DataError> {
    let SampleShape::Image { height, width, channels } = *shape else {
        return Err(DataError::shape("samples of this model", shape, "an image"));
    };
    let Stored { image, orientation, turn } = pixels::read(path, limit)?;
    let (image, transparent) = on_white(to_bytes(image, decoding.sample_bits));
    // Convert channels before resizing: fewer bytes to process, and the same for every format.
    let mut image: DynamicImage = if channels == 1 { image.into_luma8().into() } else { image.into_rgb8().into() };
    let stored_as = match swaps_sides(orientation) {
        true => Sides { height: width, width: height },
        false => Sides { height, width },
    };
    image = shrink(image, stored_as, decoding);
    drop(turn);
    image.apply_orientation(orientation);
    if (image.height() as usize, image.width() as usize) != (height, width) {
        let (width, height, filter) = (width as u32, height as u32, filter_type(decoding.resize_filter));
        image = match decoding.fit {
            Fit::Stretch => image.resize_exact(width, height, filter),
            Fit::Auto | Fit::Crop => image.resize_to_fill(width, height, filter),
        };
    }
    output.copy_from_slice(image.as_bytes());
    Ok(Decoded { transparent })
}

fn filter_type(filter: ResizeFilter) -> FilterType {
    match filter {
        ResizeFilter::Nearest => FilterType::Nearest,
        ResizeFilter::Bilinear => FilterType::Triangle,
        ResizeFilter::Bicubic => FilterType::CatmullRom,
        ResizeFilter::Lanczos => FilterType::Lanczos3,
    }
}
