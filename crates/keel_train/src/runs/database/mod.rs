//! `metrics.sqlite`: all measurements of a run.
//!
//! Tables: `steps(step, epoch, loss, learning_rate, gradient_norm)`, `epochs(epoch, part, loss, accuracy, rmse, r2, seconds)`,
//! `layers(step, layer, name, value)` with one row per measurement, `histograms(step, layer, name, low, high, counts)` with
//! counts as a JSON array, `findings(step, code, level, layer, document)` with the finding as JSON.

mod reader;
mod writer;

use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::Rows;
use super::files::{Operation, attempt};
use super::storage::{Sink, Source};
use crate::error::TrainError;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS steps (step INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, loss REAL, learning_rate REAL, gradient_norm REAL);
CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER NOT NULL, part TEXT NOT NULL, loss REAL, accuracy REAL, rmse REAL, r2 REAL, seconds REAL, PRIMARY KEY (epoch, part));
CREATE TABLE IF NOT EXISTS layers (step INTEGER NOT NULL, layer TEXT NOT NULL, name TEXT NOT NULL, value REAL, PRIMARY KEY (step, layer, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS histograms (step INTEGER NOT NULL, layer TEXT NOT NULL, name TEXT NOT NULL, low REAL NOT NULL, high REAL NOT NULL, counts TEXT NOT NULL, PRIMARY KEY (step, layer, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings (step INTEGER NOT NULL, code TEXT NOT NULL, level TEXT NOT NULL, layer TEXT NOT NULL, document TEXT NOT NULL);
";

/// Version of the tables, stored as the database's `user_version`; databases of the first runs have 0 and are identical.
const FORMAT: i64 = 1;

/// Opens or creates the database `path` and removes all rows after `position`.
///
/// # Errors
/// [`TrainError::Run`] if the database cannot be opened or written.
pub(super) fn sink(path: &Path, position: Rows) -> Result<Box<dyn Sink>, TrainError> {
    Ok(Box::new(writer::Writer::open(path, position)?))
}

/// Opens the existing database `path`.
///
/// # Errors
/// [`TrainError::Run`] if it is damaged.
pub(super) fn source(path: &Path) -> Result<Box<dyn Source>, TrainError> {
    Ok(Box::new(reader::Reader::open(path)?))
}

/// Copies the database `from`, without open transactions of a killed process, to the file `to`, which must not exist.
///
/// # Errors
/// [`TrainError::Run`] with the file.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), TrainError> {
    let copied = attempt(Operation::OpenDatabase, to, || {
        let connection = Connection::open(from).map_err(io::Error::other)?;
        connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(io::Error::other)
    });
    copied.map(drop).map_err(|error| TrainError::run(to, error))
}

/// Rejects a database of a later version.
fn check_format(connection: &Connection) -> Result<(), Unusable> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format <= FORMAT { Ok(()) } else { Err(Unusable::Later { format }) }
}

/// Reason why a database of measurements cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("format version {format}; this program knows versions up to {FORMAT}")]
    Later { format: i64 },
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

impl Unusable {
    /// Returns the error for the database at `path` that cannot be read.
    fn unreadable(&self, path: &Path) -> TrainError {
        let next = match self {
            Unusable::Later { .. } => "use a later version of Evenkeel",
            Unusable::Database(_) => {
                "restore the file from a copy; without it, the run has no curves but can still predict"
            }
        };
        TrainError::of_file(path, self, next)
    }

    /// Returns the error for the database at `path` that cannot be written.
    fn unwritable(&self, path: &Path) -> TrainError {
        match self {
            Unusable::Later { .. } => self.unreadable(path),
            Unusable::Database(error) => TrainError::run(path, error),
        }
    }
}
