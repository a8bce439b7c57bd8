//! Decoding one image file to bytes of a given size.

use crate::config::{Fit, ResizeFilter};
use crate::dataset::{ImageDecoding, SampleShape};
use crate::error::DataError;
use image::imageops::FilterType;
use image::{ColorType, DynamicImage, ImageDecoder, ImageReader};
use std::path::Path;

const ENDINGS: &[&str] = &["jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff"];

/// Whether the file's ending is that of an image format this crate reads.
pub(super) fn is_image_file(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// What the header of an image says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageHeader {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) grey: bool,
}

/// Reads the header only.
pub(super) fn read_header(path: &Path) -> Result<ImageHeader, DataError> {
    let decoder = open(path)?.into_decoder().map_err(|error| unreadable(path, error))?;
    let (width, height) = decoder.dimensions();
    let grey = matches!(decoder.color_type(), ColorType::L8 | ColorType::L16 | ColorType::La8 | ColorType::La16);
    Ok(ImageHeader { height: height as usize, width: width as usize, grey })
}

/// Decodes an image (the first frame of an animation), turns it upright by its EXIF orientation, brings it to `shape`
/// and writes its bytes to `output`, `[height, width, channels]`. Transparency is dropped, 16 bits become 8.
pub(super) fn decode(
    path: &Path,
    shape: &SampleShape,
    decoding: &ImageDecoding,
    output: &mut [u8],
) -> Result<(), DataError> {
    let SampleShape::Image { height, width, channels } = *shape else {
        return Err(DataError::shape("samples of this model", shape, "an image"));
    };
    let mut decoder = open(path)?.into_decoder().map_err(|error| unreadable(path, error))?;
    let orientation = decoder.orientation().map_err(|error| unreadable(path, error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(path, error))?;
    image.apply_orientation(orientation);
    // To 8 bits and the right channels before resizing: fewer bytes to move, and the same for every format.
    image = if channels == 1 { image.into_luma8().into() } else { image.into_rgb8().into() };
    if (image.height() as usize, image.width() as usize) != (height, width) {
        let filter = filter_type(decoding.resize_filter);
        image = match decoding.fit {
            Fit::Stretch => image.resize_exact(width as u32, height as u32, filter),
            Fit::Crop => image.resize_to_fill(width as u32, height as u32, filter),
        };
    }
    output.copy_from_slice(image.as_bytes());
    Ok(())
}

fn open(path: &Path) -> Result<ImageReader<std::io::BufReader<std::fs::File>>, DataError> {
    let reader = ImageReader::open(path).map_err(|error| DataError::io(path, error))?;
    reader.with_guessed_format().map_err(|error| DataError::io(path, error))
}

fn unreadable(path: &Path, error: image::ImageError) -> DataError {
    DataError::Image { path: path.to_path_buf(), what: error.to_string().trim_end().to_owned() }
}

fn filter_type(filter: ResizeFilter) -> FilterType {
    match filter {
        ResizeFilter::Nearest => FilterType::Nearest,
        ResizeFilter::Bilinear => FilterType::Triangle,
        ResizeFilter::Bicubic => FilterType::CatmullRom,
        ResizeFilter::Lanczos => FilterType::Lanczos3,
    }
}
