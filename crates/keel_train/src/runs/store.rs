//! `metrics.sqlite`: all measurements of a run.
//!
//! Tables: `steps(step, epoch, loss, learning_rate, gradient_norm)`, `epochs(epoch, part, loss, accuracy, rmse, r2, seconds)`,
//! `layers(step, layer, name, value)` with one row per measurement, `histograms(step, layer, name, low, high, counts)` with
//! counts as a JSON array, `findings(step, code, level, layer, document)` with the finding as JSON.
//!
//! Rows are buffered and written in one transaction by a separate thread, about once a second or sooner. A step waits for it
//! only if 64 messages are pending, and a checkpoint until all rows before it are on disk, so that no checkpoint is newer than
//! its rows. Rows that cannot be written end the training run at its next checkpoint.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::HistogramRecord;
use super::files::{Operation, attempt, note};
use crate::error::TrainError;
use crate::metrics::Metrics;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS steps (step INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, loss REAL, learning_rate REAL, gradient_norm REAL);
CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER NOT NULL, part TEXT NOT NULL, loss REAL, accuracy REAL, rmse REAL, r2 REAL, seconds REAL, PRIMARY KEY (epoch, part));
CREATE TABLE IF NOT EXISTS layers (step INTEGER NOT NULL, layer TEXT NOT NULL, name TEXT NOT NULL, value REAL, PRIMARY KEY (step, layer, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS histograms (step INTEGER NOT NULL, layer TEXT NOT NULL, name TEXT NOT NULL, low REAL NOT NULL, high REAL NOT NULL, counts TEXT NOT NULL, PRIMARY KEY (step, layer, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings (step INTEGER NOT NULL, code TEXT NOT NULL, level TEXT NOT NULL, layer TEXT NOT NULL, document TEXT NOT NULL);
";

/// Version of the tables, stored as the database's `user_version`; databases of the first runs have 0 and are identical.
const FORMAT: i64 = 1;

/// Number of steps buffered before they are written together.
const STEPS_PER_TRANSACTION: usize = 256;

/// Time after which buffered steps are written even if they are few, for observers of the run.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Rows of a database up to a checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// Number of completed steps.
    pub step: u64,
    /// Number of completed epochs.
    pub epoch: u64,
    /// Number of recorded findings.
    pub findings: u64,
}

/// Scalars of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepRecord {
    /// Step, counted from 1.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Loss of the batch.
    pub loss: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
}

/// Scalars of one part of the data after one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochRecord {
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Part: `train`, `val` or `test`.
    pub part: &'static str,
    /// Mean loss.
    pub loss: f64,
    /// Accuracy; classification only.
    pub accuracy: Option<f64>,
    /// Root mean squared error; regression only.
    pub rmse: Option<f64>,
    /// Coefficient of determination; regression only.
    pub r2: Option<f64>,
    /// Seconds since the start of training.
    pub seconds: f64,
}

impl EpochRecord {
    /// Takes the scalars from `metrics`.
    pub(crate) fn new(metrics: &Metrics, part: &'static str, epoch: u64, seconds: f64) -> Self {
        let errors = metrics.regression.as_ref();
        let (rmse, r2) = (errors.map(|errors| errors.rmse), errors.and_then(|errors| errors.r2));
        EpochRecord { epoch, part, loss: metrics.loss, accuracy: metrics.accuracy, rmse, r2, seconds }
    }
}

/// One measurement of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerRecord {
    /// Step, counted from 1.
    pub step: u64,
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the measurement.
    pub name: &'static str,
    /// Measured value.
    pub value: f64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRecord {
    /// Step at which it was reported.
    pub step: u64,
    /// Code, for example `K010`.
    pub code: String,
    /// Level: info, warn or error.
    pub level: String,
    /// Name of the layer; empty if it concerns no layer.
    pub layer: String,
    /// Finding as JSON.
    pub document: String,
}

enum Message {
    Steps(Vec<StepRecord>),
    Epoch(EpochRecord),
    Layers(Vec<LayerRecord>),
    Histograms(Vec<HistogramRecord>),
    Finding(FindingRecord),
    Sync(SyncSender<()>),
}

/// Open database of a run in progress.
#[derive(Debug)]
pub struct MetricStore {
    sender: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    path: PathBuf,
    steps: Vec<StepRecord>,
    /// Time of the last write of steps.
    written: Instant,
    findings: u64,
}

impl MetricStore {
    /// Opens or creates the database and removes all rows after `position`: a resumed run continues from its checkpoint and
    /// writes those rows again.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database cannot be opened or written.
    pub fn open(path: &Path, position: Rows) -> Result<Self, TrainError> {
        let opened = attempt(Operation::OpenDatabase, path, || prepare(path, position).map_err(io::Error::other));
        let connection = opened.map_err(|error| TrainError::run(path, error))?;
        let (sender, receiver) = sync_channel(64);
        let writer = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn({
                let path = path.to_owned();
                move || write_all(&path, connection, &receiver)
            })
            .map_err(|error| TrainError::run(path, error))?;
        let steps = Vec::with_capacity(STEPS_PER_TRANSACTION);
        Ok(MetricStore {
            sender: Some(sender),
            writer: Some(writer),
            path: path.to_owned(),
            steps,
            written: Instant::now(),
            findings: position.findings,
        })
    }

    /// Buffers the scalars of a step; writes them when there are enough.
    pub fn step(&mut self, record: StepRecord) {
        self.steps.push(record);
        if self.steps.len() == STEPS_PER_TRANSACTION || self.written.elapsed() >= LONGEST_WAIT {
            self.written = Instant::now();
            let full = std::mem::replace(&mut self.steps, Vec::with_capacity(STEPS_PER_TRANSACTION));
            self.send(Message::Steps(full));
        }
    }

    /// Writes the scalars of an epoch.
    pub fn epoch(&mut self, record: EpochRecord) {
        self.send(Message::Epoch(record));
    }

    /// Writes measurements of layers.
    pub fn layers(&mut self, records: Vec<LayerRecord>) {
        self.send(Message::Layers(records));
    }

    /// Writes histograms.
    pub fn histograms(&mut self, records: Vec<HistogramRecord>) {
        self.send(Message::Histograms(records));
    }

    /// Writes a finding.
    pub fn finding(&mut self, record: FindingRecord) {
        self.findings += 1;
        self.send(Message::Finding(record));
    }

    /// Returns the number of findings so far, including those before a resumption.
    pub fn findings(&self) -> u64 {
        self.findings
    }

    /// Waits until everything so far is on disk.
    ///
    /// # Errors
    /// [`TrainError::Run`] if any row could not be written.
    pub fn flush(&mut self) -> Result<(), TrainError> {
        if !self.steps.is_empty() {
            let steps = std::mem::take(&mut self.steps);
            self.send(Message::Steps(steps));
        }
        let (done, wait) = sync_channel(1);
        self.send(Message::Sync(done));
        match wait.recv() {
            Ok(()) => Ok(()),
            Err(_) => self.end_writer().and(Err(TrainError::run(&self.path, "rows could not be written"))),
        }
    }

    /// Writes all buffered rows and closes the database.
    ///
    /// # Errors
    /// [`TrainError::Run`] if any row could not be written.
    pub fn close(mut self) -> Result<(), TrainError> {
        self.flush()?;
        self.end_writer()
    }

    /// Ends the writer and returns its result.
    fn end_writer(&mut self) -> Result<(), TrainError> {
        drop(self.sender.take());
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(TrainError::run(&self.path, error)),
            Some(Err(_)) => Err(TrainError::run(&self.path, "the writer of measurements ended early")),
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    /// Sends a message; a writer that has ended keeps its error for [`MetricStore::flush`].
    fn send(&mut self, message: Message) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(message);
        }
    }
}

impl Drop for MetricStore {
    /// Waits for the writer, so that nothing writes to the database of a finished training run.
    fn drop(&mut self) {
        let _ = self.end_writer();
    }
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
pub(super) fn check_format(connection: &Connection) -> Result<(), Unusable> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format <= FORMAT { Ok(()) } else { Err(Unusable::Later { format }) }
}

/// Reason why a database of measurements cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("format version {format}; this program knows versions up to {FORMAT}; use a later version of Evenkeel")]
    Later { format: i64 },
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
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
                Message::Sync(done) => waiting.push(done),
                other => rows.push(other),
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

fn commit(path: &Path, connection: &mut Connection, rows: Vec<Message>) -> io::Result<()> {
    let transaction = connection.transaction().map_err(io::Error::other)?;
    rows.into_iter().try_for_each(|message| write(&transaction, message)).map_err(io::Error::other)?;
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

fn write(connection: &Connection, message: Message) -> rusqlite::Result<()> {
    match message {
        Message::Steps(records) => {
            let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO steps VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for record in records {
                let StepRecord { step, epoch, loss, learning_rate, gradient_norm } = record;
                insert.execute(params![step as i64, epoch as i64, loss, learning_rate, gradient_norm])?;
            }
        }
        Message::Epoch(EpochRecord { epoch, part, loss, accuracy, rmse, r2, seconds }) => {
            let mut insert =
                connection.prepare_cached("INSERT OR REPLACE INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            insert.execute(params![epoch as i64, part, loss, accuracy, rmse, r2, seconds])?;
        }
        Message::Layers(records) => {
            let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO layers VALUES (?1, ?2, ?3, ?4)")?;
            for LayerRecord { step, layer, name, value } in records {
                insert.execute(params![step as i64, layer, name, value])?;
            }
        }
        Message::Histograms(records) => {
            let mut insert =
                connection.prepare_cached("INSERT OR REPLACE INTO histograms VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for HistogramRecord { step, layer, name, low, high, counts } in records {
                let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
                insert.execute(params![step as i64, layer, name, low, high, format!("[{}]", counts.join(","))])?;
            }
        }
        Message::Finding(FindingRecord { step, code, level, layer, document }) => {
            let mut insert = connection.prepare_cached("INSERT INTO findings VALUES (?1, ?2, ?3, ?4, ?5)")?;
            insert.execute(params![step as i64, code, level, layer, document])?;
        }
        Message::Sync(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::files::faults::{Fault, Injection};

    fn count(path: &Path, table: &str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM {table}");
        Connection::open(path).unwrap().query_row(&query, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn rows_are_written_and_a_resumed_run_replaces_what_follows_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sqlite");
        let record = |step| StepRecord { step, epoch: 1, loss: 0.5, learning_rate: 0.1, gradient_norm: 1.0 };
        let mut store = MetricStore::open(&path, Rows::default()).unwrap();
        (1..=600).for_each(|step| store.step(record(step)));
        let epoch =
            EpochRecord { epoch: 1, part: "val", loss: 0.5, accuracy: Some(0.9), rmse: None, r2: None, seconds: 1.0 };
        store.epoch(epoch);
        let finding = |code: &str| FindingRecord {
            step: 250,
            code: code.to_owned(),
            level: "warn".to_owned(),
            layer: String::new(),
            document: String::new(),
        };
        ["K001", "K002", "K003"].into_iter().for_each(|code| store.finding(finding(code)));
        store.flush().unwrap();
        assert_eq!((count(&path, "steps"), store.findings()), (600, 3));
        store.close().unwrap();
        let mut store = MetricStore::open(&path, Rows { step: 250, epoch: 0, findings: 2 }).unwrap();
        (251..=300).for_each(|step| store.step(record(step)));
        assert_eq!(store.findings(), 2);
        store.close().unwrap();
        assert_eq!((count(&path, "steps"), count(&path, "epochs"), count(&path, "findings")), (300, 0, 2));
    }

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
