//! Writes the measurements of a run in progress.

use std::path::Path;
use std::time::{Duration, Instant};

use super::storage::{Records, Sink};
use super::{EpochRecord, FindingRecord, HistogramRecord, LayerRecord, Rows, StepRecord, database};
use crate::error::TrainError;

/// Number of steps buffered before they are written together.
const STEPS_PER_TRANSACTION: usize = 256;

/// Time after which buffered steps are written even if they are few, for observers of the run.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Destination of the measurements of a run in progress: its database, or tables in memory.
#[derive(Debug)]
pub struct MetricStore {
    sink: Box<dyn Sink>,
    steps: Vec<StepRecord>,
    /// Time of the last write of steps.
    written: Instant,
    findings: u64,
}

impl MetricStore {
    /// Opens or creates the database `path` and removes all rows after `position`: a resumed run continues from its checkpoint
    /// and writes those rows again.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database cannot be opened or written; always without the feature `sqlite`.
    pub fn open(path: &Path, position: Rows) -> Result<Self, TrainError> {
        Ok(MetricStore::new(database::sink(path, position)?, position))
    }

    /// Returns a store that writes to `sink`, which has the rows up to `position`.
    pub(super) fn new(sink: Box<dyn Sink>, position: Rows) -> Self {
        let steps = Vec::with_capacity(STEPS_PER_TRANSACTION);
        MetricStore { sink, steps, written: Instant::now(), findings: position.findings }
    }

    /// Buffers the scalars of a step; writes them when there are enough.
    pub fn step(&mut self, record: StepRecord) {
        self.steps.push(record);
        if self.steps.len() == STEPS_PER_TRANSACTION || self.written.elapsed() >= LONGEST_WAIT {
            self.written = Instant::now();
            let full = std::mem::replace(&mut self.steps, Vec::with_capacity(STEPS_PER_TRANSACTION));
            self.sink.write(Records::Steps(full));
        }
    }

    /// Writes the scalars of an epoch.
    pub fn epoch(&mut self, record: EpochRecord) {
        self.sink.write(Records::Epoch(record));
    }

    /// Writes measurements of layers.
    pub fn layers(&mut self, records: Vec<LayerRecord>) {
        self.sink.write(Records::Layers(records));
    }

    /// Writes histograms.
    pub fn histograms(&mut self, records: Vec<HistogramRecord>) {
        self.sink.write(Records::Histograms(records));
    }

    /// Writes a finding.
    pub fn finding(&mut self, record: FindingRecord) {
        self.findings += 1;
        self.sink.write(Records::Finding(record));
    }

    /// Returns the number of findings so far, including those before a resumption.
    pub fn findings(&self) -> u64 {
        self.findings
    }

    /// Waits until everything so far is on disk, or in memory.
    ///
    /// # Errors
    /// [`TrainError::Run`] if any row could not be written.
    pub fn flush(&mut self) -> Result<(), TrainError> {
        if !self.steps.is_empty() {
            let steps = std::mem::take(&mut self.steps);
            self.sink.write(Records::Steps(steps));
        }
        self.sink.flush()
    }

    /// Writes all buffered rows and closes the database.
    ///
    /// # Errors
    /// [`TrainError::Run`] if any row could not be written.
    pub fn close(mut self) -> Result<(), TrainError> {
        self.flush()
    }
}
