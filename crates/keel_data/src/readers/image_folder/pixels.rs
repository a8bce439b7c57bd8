//! Decoding of a file to its pixels as they are stored.

use super::header::{open, unreadable};
use crate::error::DataError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};
use std::path::Path;

/// Decodes a file; the image lies as it is stored.
pub(super) fn read(path: &Path) -> Result<(DynamicImage, Orientation), DataError> {
    let mut decoder = open(path)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(path, &error))?;
    Ok((image, orientation))
}
