//! Writes rows in one transaction from a separate thread, about once a second or sooner.
//!
//! A step waits for it only if 64 messages are pending, and a checkpoint until all rows before it are on disk, so that no
//! checkpoint is newer than its rows. Rows that cannot be written end the training run at its next checkpoint.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};

use super::{FORMAT, TABLES, Unusable, check_format};
use crate::error::TrainError;
use crate::runs::files::{Operation, attempt};
use crate::runs::storage::{Records, Sink};
use crate::runs::{EpochRecord, FindingRecord, HistogramRecord, LayerRecord, Rows, StepRecord};

enum Message {
    Write(Records),
    Sync(SyncSender<()>),
}

/// Thread that writes to the database of a run in progress.
#[derive(Debug)]
pub(super) struct Writer {
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    path: PathBuf,
}

impl Writer {
    /// Opens or creates the database and removes all rows after `position`.
    pub(super) fn open(path: &Path, position: Rows) -> Result<Self, TrainError> {
        let opened = attempt(Operation::OpenDatabase, path, || prepare(path, position).map_err(io::Error::other));
        let connection = opened.map_err(|error| match error.downcast::<Unusable>() {
            Ok(unusable) => unusable.unwritable(path),
            Err(error) => TrainError::run(path, error),
        })?;
        let (sender, receiver) = sync_channel(64);
        let thread = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn({
                let path = path.to_owned();
                move || write_all(&path, connection, &receiver)
            })
            .map_err(|error| TrainError::run(path, error))?;
        Ok(Writer { sender: Some(sender), thread: Some(thread), path: path.to_owned() })
    }

    /// Ends the thread and returns its result.
    fn end(&mut self) -> Result<(), TrainError> {
        drop(self.sender.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(TrainError::run(&self.path, error)),
            Some(Err(_)) => Err(TrainError::run(&self.path, "the writer of measurements ended early")),
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    /// Sends a message; a thread that has ended keeps its error for [`Sink::flush`].
    fn send(&self, message: Message) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(message);
        }
    }
}

impl Sink for Writer {
    fn write(&mut self, records: Records) {
        self.send(Message::Write(records));
    }

    fn flush(&mut self) -> Result<(), TrainError> {
        let (done, wait) = sync_channel(1);
        self.send(Message::Sync(done));
        match wait.recv() {
            Ok(()) => Ok(()),
            Err(_) => self.end().and(Err(TrainError::run(&self.path, "rows could not be written"))),
        }
    }
}

impl Drop for Writer {
    /// Waits for the thread, so that nothing writes to the database of a finished training run.
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn prepare(path: &Path, position: Rows) -> Result<Connection, Unusable> {
    let mut connection = Connection::open(path)?;
    check_format(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    for table in ["steps", "layers", "histograms"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE step > ?1"), [position.step as i64])?;
    }
    transaction.execute("DELETE FROM epochs WHERE epoch > ?1", [position.epoch as i64])?;
    // Several findings may be recorded at one step, before and after its checkpoint.
    transaction.execute("DELETE FROM findings WHERE rowid > ?1", [position.findings as i64])?;
    transaction.commit()?;
    Ok(connection)
}

fn write_all(path: &Path, mut connection: Connection, receiver: &Receiver<Message>) -> io::Result<()> {
    while let Ok(first) = receiver.recv() {
        let (mut rows, mut waiting) = (Vec::new(), Vec::new());
        for message in std::iter::once(first).chain(receiver.try_iter()) {
            match message {
                Message::Write(records) => rows.push(records),
                Message::Sync(done) => waiting.push(done),
            }
        }
        if !rows.is_empty() {
            commit(path, &mut connection, rows)?;
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
    Ok(())
}

fn commit(path: &Path, connection: &mut Connection, rows: Vec<Records>) -> io::Result<()> {
    let transaction = connection.transaction().map_err(io::Error::other)?;
    rows.into_iter().try_for_each(|records| write(&transaction, records)).map_err(io::Error::other)?;
    let mut transaction = Some(transaction);
    attempt(Operation::Commit, path, || {
        transaction.take().map_or(Ok(()), |open| open.commit().map_err(io::Error::other))
    })?;
    note!(Commit(files_of(path)));
    Ok(())
}

/// Returns the files of the database with their contents.
#[cfg(any(test, debug_assertions))]
fn files_of(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = ["", "-wal"].map(|ending| PathBuf::from(format!("{}{ending}", path.display())));
    files.into_iter().filter_map(|file| std::fs::read(&file).ok().map(|bytes| (file, bytes))).collect()
}

fn write(connection: &Connection, records: Records) -> rusqlite::Result<()> {
    match records {
        Records::Steps(records) => {
            let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO steps VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for record in records {
                let StepRecord { step, epoch, loss, learning_rate, gradient_norm } = record;
                insert.execute(params![step as i64, epoch as i64, loss, learning_rate, gradient_norm])?;
            }
        }
        Records::Epoch(EpochRecord { epoch, part, loss, accuracy, rmse, r2, seconds }) => {
            let mut insert =
                connection.prepare_cached("INSERT OR REPLACE INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            insert.execute(params![epoch as i64, part, loss, accuracy, rmse, r2, seconds])?;
        }
        Records::Layers(records) => {
            let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO layers VALUES (?1, ?2, ?3, ?4)")?;
            for LayerRecord { step, layer, name, value } in records {
                insert.execute(params![step as i64, layer, name, value])?;
            }
        }
        Records::Histograms(records) => {
            let mut insert =
                connection.prepare_cached("INSERT OR REPLACE INTO histograms VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for HistogramRecord { step, layer, name, low, high, counts } in records {
                let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
                insert.execute(params![step as i64, layer, name, low, high, format!("[{}]", counts.join(","))])?;
            }
        }
        Records::Finding(FindingRecord { step, code, level, layer, document }) => {
            let mut insert = connection.prepare_cached("INSERT INTO findings VALUES (?1, ?2, ?3, ?4, ?5)")?;
            insert.execute(params![step as i64, code, level, layer, document])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::MetricStore;
    use crate::runs::files::faults::{Fault, Injection};

    /// Without it, a commit survives a kill but not a power loss.
    #[test]
    fn rows_reach_the_disk_with_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let connection = prepare(&folder.path().join("metrics.sqlite"), Rows::default()).unwrap();
        let setting =
            |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
        assert_eq!(setting("synchronous").unwrap(), rusqlite::types::Value::Integer(2), "2 is FULL");
        assert_eq!(setting("journal_mode").unwrap(), rusqlite::types::Value::Text("wal".to_owned()));
    }

    #[test]
    fn rows_that_cannot_be_written_show_at_the_next_flush() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sqlite");
        let mut store = MetricStore::open(&path, Rows::default()).unwrap();
        store.flush().unwrap();
        let injection = Injection::at(folder.path(), 1, Fault::Error(io::ErrorKind::StorageFull));
        store.step(StepRecord { step: 1, epoch: 1, loss: 0.5, learning_rate: 0.1, gradient_norm: 1.0 });
        let error = store.flush().unwrap_err().to_string();
        assert!(error.contains("metrics.sqlite: no storage space (injected)"), "{error}");
        drop(injection);
        assert!(store.flush().is_err(), "what is lost stays lost");
    }
}
