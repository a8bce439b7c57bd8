//! Facts about an image file from its header, and the checks before it is decoded.

use super::kind::{self, FileKind};
use super::truncation::{is_truncated_jpeg, is_truncated_webp};
use crate::error::DataError;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

/// Largest number of bytes an image may have when it is decoded.
const DECODED_BYTES: u64 = 512 << 20;

/// The reason for refusing a file that was cut.
const TRUNCATED: &str = "the file is truncated: its end is missing";

/// Facts about an image, upright as it will be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageHeader {
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// True if it has no colour.
    pub(crate) grey: bool,
    /// True if its values have 16 bits.
    pub(crate) deep: bool,
}

/// Reads the header of an image; a JPEG is read to its end, so that one that was cut is found.
pub(super) fn read_header(path: &Path) -> Result<ImageHeader, DataError> {
    let mut decoder = open(path)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = match decoder.dimensions() {
        (width, height) if swaps_sides(orientation) => (height, width),
        sides => sides,
    };
    let color = decoder.color_type();
    Ok(ImageHeader {
        height: height as usize,
        width: width as usize,
        grey: !color.has_color(),
        deep: matches!(color, ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16),
    })
}

/// A source of encoded bytes.
trait Encoded: BufRead + Seek {}
impl<T: BufRead + Seek> Encoded for T {}

/// The decoder of a file that is whole and whose image is not too large.
pub(super) fn open(path: &Path) -> Result<impl ImageDecoder, DataError> {
    let file = std::fs::File::open(path).map_err(|error| refusal(path, error.to_string()))?;
    let length = file.metadata().map_err(|error| DataError::io(path, error))?.len();
    if length == 0 {
        return Err(refusal(path, "the file is empty"));
    }
    let start = kind::first_bytes(path);
    if let FileKind::Unsupported(format) = kind::of_bytes(&start) {
        return Err(refusal(path, format!("it is a {format} file; convert it to JPEG or PNG")));
    }
    if is_truncated_webp(&start, length) {
        return Err(refusal(path, TRUNCATED));
    }
    let encoded: Box<dyn Encoded> = match image::guess_format(&start) {
        Ok(ImageFormat::Jpeg) => Box::new(Cursor::new(whole_jpeg(path, length)?)),
        _ => Box::new(BufReader::new(file)),
    };
    let mut reader = ImageReader::new(encoded);
    reader.limits(limits());
    if let Ok(format) = ImageFormat::from_path(path) {
        reader.set_format(format);
    }
    let reader = reader.with_guessed_format().map_err(|error| DataError::io(path, error))?;
    let decoder = reader.into_decoder().map_err(|error| unreadable(path, &error))?;
    check_size(path, &decoder)?;
    Ok(decoder)
}

fn whole_jpeg(path: &Path, length: u64) -> Result<Vec<u8>, DataError> {
    if length > DECODED_BYTES {
        return Err(refusal(path, format!("the file has {length} bytes")));
    }
    let bytes = crate::readers::read_bytes(path)?;
    match is_truncated_jpeg(&bytes) {
        true => Err(refusal(path, TRUNCATED)),
        false => Ok(bytes),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * DECODED_BYTES);
    limits
}

fn check_size(path: &Path, decoder: &impl ImageDecoder) -> Result<(), DataError> {
    let ((width, height), bytes) = (decoder.dimensions(), decoder.total_bytes());
    if width == 0 || height == 0 {
        return Err(refusal(path, format!("it has no pixels ({width} x {height})")));
    }
    if bytes > DECODED_BYTES {
        let what = format!(
            "it claims {width} x {height} pixels, {} MB when decoded; at most {} MB are decoded",
            bytes / 1_000_000,
            DECODED_BYTES / 1_000_000
        );
        return Err(refusal(path, what));
    }
    Ok(())
}

/// Returns true if an image is turned by a quarter.
pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

fn refusal(path: &Path, what: impl Into<String>) -> DataError {
    DataError::Image { path: path.to_path_buf(), what: what.into() }
}

/// The error of a decoder.
pub(super) fn unreadable(path: &Path, error: &ImageError) -> DataError {
    let what = match error {
        ImageError::Limits(_) => format!("it needs more than {} MB to decode", DECODED_BYTES / 1_000_000),
        error => error.to_string().trim_end().to_owned(),
    };
    refusal(path, what)
}
