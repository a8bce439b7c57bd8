//! Decoding of a file to its pixels as they are stored.

use super::header::{guarded, open, unreadable};
use crate::error::DataError;
use crate::readers::data_file::ByteLimit;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Decoded size from which images are decoded one after the other, in bytes: else each thread would hold one.
const LARGE: u64 = 64_000_000;
/// Held while a large image is in memory.
static TURN: Mutex<()> = Mutex::new(());

/// A decoded image as stored in its file.
pub(super) struct Stored {
    pub(super) image: DynamicImage,
    pub(super) orientation: Orientation,
    /// Turn of a large image; the next one is decoded when it is dropped.
    pub(super) turn: Option<MutexGuard<'static, ()>>,
}

/// Decodes a file whose image takes no more bytes than `limit` allows.
pub(super) fn read(path: &Path, limit: ByteLimit) -> Result<Stored, DataError> {
    guarded(path, || {
        let mut decoder = open(path, limit)?;
        let turn = (decoder.total_bytes() > LARGE).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let image = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(path, &error))?;
        Ok(Stored { image, orientation, turn })
    })
}
