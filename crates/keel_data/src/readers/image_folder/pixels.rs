//! Decoding of a file to its stored pixels.

use super::header::{guarded, open, unreadable};
use crate::error::DataError;
use crate::readers::data_file::ByteLimit;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Decoded size in bytes from which images are decoded one at a time; otherwise each thread could hold one.
const LARGE: u64 = 64_000_000;
/// Lock held while a large image is in memory.
static TURN: Mutex<()> = Mutex::new(());

/// A decoded image as stored in its file.
pub(super) struct Stored {
    pub(super) image: DynamicImage,
    pub(super) orientation: Orientation,
    /// Lock of a large image; dropping it lets the next one be decoded.
    pub(super) turn: Option<MutexGuard<'static, ()>>,
}

/// Decodes a file whose image takes at most `limit` bytes.
pub(super) fn read(path: &Path, limit: ByteLimit) -> Result<Stored, DataError> {
    guarded(path, || {
        let mut decoder = open(path, limit)?;
        let turn = (decoder.total_bytes() > LARGE).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let image = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(path, &error))?;
        Ok(Stored { image, orientation, turn })
    })
}
