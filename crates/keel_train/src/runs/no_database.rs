//! Stands in for the database in a build without the feature `sqlite`: none is written or read.

use std::path::{Path, PathBuf};

use super::storage::{Sink, Source};
use super::{Rows, files};
use crate::error::TrainError;

/// Refuses to write to the database `path`.
///
/// # Errors
/// Always: [`TrainError::Run`] with the feature to enable.
pub(super) fn sink(path: &Path, _position: Rows) -> Result<Box<dyn Sink>, TrainError> {
    Err(without_sqlite(path))
}

/// Refuses to read the database `path`.
///
/// # Errors
/// Always: [`TrainError::Run`] with the feature to enable.
pub(super) fn source(path: &Path) -> Result<Box<dyn Source>, TrainError> {
    Err(without_sqlite(path))
}

/// Copies the database `from` to `to`, with the transactions that a killed process has left in a file of their own.
///
/// # Errors
/// [`TrainError::Run`] with the file.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), TrainError> {
    for ending in ["-wal", ""] {
        let [from, to] = [from, to].map(|path| PathBuf::from(format!("{}{ending}", path.display())));
        if from.exists() {
            files::copy(&from, &to).map_err(|error| TrainError::run(&to, error))?;
        }
    }
    Ok(())
}

fn without_sqlite(path: &Path) -> TrainError {
    let next = "build it with the feature `sqlite` of the crate keel_train";
    TrainError::of_file(path, "this program is built without SQLite", next)
}
