//! Image facts read from the header, and checks before decoding.

use super::kind::{self, FileKind};
use super::truncation::{has_truncated_chunk, is_truncated_jpeg, is_truncated_webp};
use crate::error::DataError;
use crate::readers::data_file::{self, ByteLimit, megabytes};
use image::error::ImageFormatHint;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

/// Maximum number of bytes for the rows and the unpacked profiles of a PNG file, which are held together with the image.
const PNG_BYTES: u64 = 64_000_000;

/// Next step for a file that cannot be decoded.
const REPLACE: &str = "Replace or delete the file";

/// Reason for rejecting a truncated file.
const TRUNCATED: &str = "the file is truncated: its end is missing";

/// Facts about an image after its orientation is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Reads the header of an image; a JPEG is read to its end to detect truncation.
pub(super) fn read_header(path: &Path, limit: ByteLimit) -> Result<ImageHeader, DataError> {
    guarded(path, || facts(open(path, limit)?))
}

fn facts(mut decoder: impl ImageDecoder) -> Result<ImageHeader, DataError> {
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

/// Opens the decoder of a file that is complete and whose image is not larger than `limit`.
pub(super) fn open(path: &Path, limit: ByteLimit) -> Result<impl ImageDecoder, DataError> {
    let (file, length) = data_file::open(path).map_err(|error| of_image(path, error))?;
    if length == 0 {
        return Err(refusal(path, "the file is empty"));
    }
    let start = kind::first_bytes(path);
    let kind = match kind::of_bytes(&start) {
        FileKind::Other => kind::of_file(path),
        kind => kind,
    };
    if let FileKind::Unsupported(format) = kind {
        return Err(refusal(path, format!("it is a {format} file, which cannot be read; convert it to JPEG or PNG")));
    }
    if let Some(what) = other_content(&start) {
        return Err(refusal(path, what));
    }
    if is_truncated_webp(&start, length) {
        return Err(refusal(path, TRUNCATED));
    }
    let format = image::guess_format(&start).ok();
    let encoded: Box<dyn Encoded> = match format {
        Some(ImageFormat::Jpeg) => Box::new(Cursor::new(whole(path, limit, is_truncated_jpeg)?)),
        Some(ImageFormat::WebP) => Box::new(Cursor::new(whole(path, limit, has_truncated_chunk)?)),
        _ => Box::new(BufReader::new(file)),
    };
    let mut reader = ImageReader::new(encoded);
    reader.limits(limits(format, limit));
    if let Ok(format) = ImageFormat::from_path(path) {
        reader.set_format(format);
    }
    let reader = reader.with_guessed_format().map_err(|error| DataError::io(path, error))?;
    let decoder = reader.into_decoder().map_err(|error| unreadable(path, &error))?;
    check_size(path, limit, &decoder)?;
    Ok(decoder)
}

/// Returns the description of a file that does not begin like an image, as pages that a server sends in place of one.
fn other_content(start: &[u8]) -> Option<&'static str> {
    let text: String = start.iter().map(|&byte| char::from(byte.to_ascii_lowercase())).collect();
    let text = text.trim_start();
    if ["<!doctype", "<html", "<head", "<?xml", "{\"", "<svg"].iter().any(|word| text.starts_with(word)) {
        return Some("it is a text such as a web page, not an image: its download may have failed");
    }
    // PNM files are recognised by the letter P and a digit, and some others by their extension alone.
    let is_image = image::guess_format(start).is_ok() || kind::of_bytes(start) != FileKind::Other;
    (!is_image).then_some("it does not begin like an image of any format that can be read")
}

/// Reads the bytes of a file and checks that it is not truncated.
fn whole(path: &Path, limit: ByteLimit, is_cut: fn(&[u8]) -> bool) -> Result<Vec<u8>, DataError> {
    let bytes = data_file::read(path, limit).map_err(|error| of_image(path, error))?;
    match is_cut(&bytes) {
        true => Err(refusal(path, TRUNCATED)),
        false => Ok(bytes),
    }
}

/// Returns the memory limits of a decoder. Decoders other than PNG may use as much memory again as the image.
fn limits(format: Option<ImageFormat>, limit: ByteLimit) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = match format {
        Some(ImageFormat::Png) => Some(PNG_BYTES),
        _ => Some(limit.bytes().saturating_mul(2)),
    };
    limits
}

fn check_size(path: &Path, limit: ByteLimit, decoder: &impl ImageDecoder) -> Result<(), DataError> {
    let ((width, height), bytes) = (decoder.dimensions(), decoder.total_bytes());
    if width == 0 || height == 0 {
        return Err(refusal(path, format!("it has no pixels ({width} x {height})")));
    }
    let claim = || format!("it claims {width} x {height} pixels, {} when decoded", megabytes(bytes));
    limit.check(path, bytes, claim).map_err(|error| of_image(path, error))
}

/// Runs a decoder and catches its panics, which a crafted file may cause.
///
/// # Errors
/// Fails if `work` fails or panics.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    // No state that `work` changes is used after a panic.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    result.unwrap_or_else(|_| Err(refusal(path, "its decoder failed: the file is damaged")))
}

/// Returns true if the orientation rotates the image by a quarter turn.
pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// Converts the error of a file to that of an image, which may be left out.
fn of_image(path: &Path, error: DataError) -> DataError {
    match error {
        DataError::Format { what, next, .. } => DataError::Image { path: path.to_path_buf(), what, next },
        DataError::Io { error, .. } => refusal(path, error.to_string()),
        error => error,
    }
}

fn refusal(path: &Path, what: impl Into<String>) -> DataError {
    DataError::Image { path: path.to_path_buf(), what: what.into(), next: REPLACE.to_owned() }
}

/// Converts the error of a decoder, whose words are those of the standard of its format.
pub(super) fn unreadable(path: &Path, error: &ImageError) -> DataError {
    let what = match error {
        ImageError::Limits(_) => "it needs more memory than data.largest_file_megabytes allows to decode".to_owned(),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => TRUNCATED.to_owned(),
        ImageError::IoError(error) => error.to_string(),
        ImageError::Unsupported(error) => {
            let format = format_name(&error.format_hint());
            format!("this kind of {format} file cannot be read; convert it to a usual JPEG or PNG file")
        }
        ImageError::Decoding(error) => format!("the {} file is damaged", format_name(&error.format_hint())),
        _ => "the image file is damaged".to_owned(),
    };
    refusal(path, what)
}

fn format_name(hint: &ImageFormatHint) -> String {
    match hint {
        ImageFormatHint::Exact(ImageFormat::WebP) => "WebP".to_owned(),
        ImageFormatHint::Exact(format) => format!("{format:?}").to_uppercase(),
        _ => "image".to_owned(),
    }
}
