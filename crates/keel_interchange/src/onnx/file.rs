//! Atomic reading and writing of model files.

use std::path::Path;

use keel_train::runs::{files, write_atomically};

use super::schema::ModelProto;
use super::{decode, encode};
use crate::InterchangeError;

/// Reads a model.
///
/// # Errors
/// Fails if the file cannot be read or is not a model.
pub fn read(path: &Path) -> Result<ModelProto, InterchangeError> {
    let bytes = files::read(path).map_err(|source| InterchangeError::Read { path: path.to_owned(), source })?;
    Ok(decode(&bytes, &path.display().to_string())?)
}

/// Writes `model` to `path` atomically: the file is either the old one or the complete new one.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write(path: &Path, model: &ModelProto) -> Result<u64, InterchangeError> {
    let bytes = encode(model);
    write_atomically(path, |writer| writer.write_all(&bytes))
        .map_err(|source| InterchangeError::Write { path: path.to_owned(), source })?;
    Ok(bytes.len() as u64)
}
