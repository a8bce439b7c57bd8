//! Check of a file's format before it is read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use keel_onnx::foreign::{START, check_start};

use crate::InterchangeError;

/// Checks from its first bytes and its name whether a file has to be converted by the program that wrote it.
///
/// # Errors
/// Fails if the file cannot be read, or has to be converted first.
pub fn check_format(path: &Path) -> Result<(), InterchangeError> {
    keel_data::check_is_file(path)?;
    let mut start = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(START as u64).read_to_end(&mut start));
    opened.map_err(|source| InterchangeError::Read { path: path.to_owned(), source })?;
    Ok(check_start(path, &start)?)
}
