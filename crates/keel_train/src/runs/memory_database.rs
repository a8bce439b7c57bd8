//! Measurements of a run in memory: the same tables, in a database without a file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::{MetricReader, MetricStore, Rows};
use crate::error::TrainError;

/// A database that exists as long as its last clone; all connections to its name see the same tables.
#[derive(Debug, Clone)]
pub struct MemoryDatabase {
    name: PathBuf,
    keeper: Arc<Mutex<Connection>>,
}

impl MemoryDatabase {
    /// Creates an empty database.
    ///
    /// # Errors
    /// [`TrainError::Run`] if there is not enough memory.
    pub fn new() -> Result<Self, TrainError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = PathBuf::from(format!("file:evenkeel-run-{number}?mode=memory&cache=shared"));
        let connection = Connection::open(&name).map_err(|error| TrainError::run(&name, error))?;
        Ok(MemoryDatabase { name, keeper: Arc::new(Mutex::new(connection)) })
    }

    /// Opens a store that writes to it.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the tables cannot be created.
    pub fn store(&self) -> Result<MetricStore, TrainError> {
        MetricStore::open(&self.name, Rows::default())
    }

    /// Opens a reader of what has been written.
    ///
    /// # Errors
    /// [`TrainError::Run`] if it cannot be opened.
    pub fn reader(&self) -> Result<MetricReader, TrainError> {
        MetricReader::open(&self.name)
    }

    /// Writes the database to the file `path`, which must not exist.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the file.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let written = keeper.execute("VACUUM INTO ?1", [path.to_string_lossy()]);
        written.map(|_| ()).map_err(|error| TrainError::run(path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::StepRecord;

    #[test]
    fn databases_are_apart_and_can_be_saved() {
        let (first, second) = (MemoryDatabase::new().unwrap(), MemoryDatabase::new().unwrap());
        let mut store = first.store().unwrap();
        let _ = second.store().unwrap().close();
        store.step(StepRecord { step: 1, epoch: 1, loss: 0.5, learning_rate: 0.1, gradient_norm: 2.0 });
        store.close().unwrap();
        assert_eq!(first.clone().reader().unwrap().steps().unwrap().len(), 1);
        assert!(second.reader().unwrap().steps().unwrap().is_empty());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sqlite");
        first.save(&path).unwrap();
        assert_eq!(MetricReader::open(&path).unwrap().steps().unwrap()[0].loss, 0.5);
        assert!(first.save(&path).unwrap_err().to_string().contains("metrics.sqlite"));
    }
}
