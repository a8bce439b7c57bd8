//! Files of models, written whole or not at all.

use std::path::Path;

use keel_train::runs::{files, write_atomically};

use super::schema::ModelProto;
use super::{decode, encode};
use crate::InterchangeError;

/// Reads a model.
///
/// # Errors
/// A file that cannot be read or is not a model.
pub fn read(path: &Path) -> Result<ModelProto, InterchangeError> {
    let bytes = files::read(path).map_err(|source| InterchangeError::Read { path: path.to_owned(), source })?;
    Ok(decode(&bytes, &path.display().to_string())?)
}

/// Writes `model` to `path`: the old file or the new one, never half of one.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, model: &ModelProto) -> Result<u64, InterchangeError> {
    let bytes = encode(model);
    write_atomically(path, |writer| writer.write_all(&bytes))
        .map_err(|source| InterchangeError::Write { path: path.to_owned(), source })?;
    Ok(bytes.len() as u64)
}
