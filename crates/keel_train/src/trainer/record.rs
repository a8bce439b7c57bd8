//! Storage of a training run.

use std::fmt;

use crate::config::Config;
use crate::error::TrainError;
use crate::flight_recorder::FlightRecord;
use crate::runs::{Measurements, RunFolder, Summary, TrainingState, write_atomically};
use crate::session::Session;
use crate::session::checkpoint::BestWeights;

/// Storage of everything a run records: on disk for a folder, in memory for a [`super::MemoryRun`].
pub(super) trait Record: fmt::Debug {
    /// Folder of the run, if it has one.
    fn folder(&self) -> Option<&RunFolder>;

    /// Place of the measurements.
    fn measurements(&self) -> Measurements;

    /// Restores the last checkpoint into `session` and returns its position; `None` if there is no checkpoint yet.
    fn read_last(&self, session: &mut Session, fingerprint: &str) -> Result<Option<TrainingState>, TrainError>;

    /// Stores a checkpoint with everything needed to resume.
    fn write_last(&mut self, session: &Session, state: &TrainingState) -> Result<(), TrainError>;

    /// Loads the weights of the best epoch into `session`.
    fn read_best(&self, session: &mut Session) -> Result<(), TrainError>;

    /// Stores the weights of the best epoch so far.
    fn write_best(&mut self, session: &Session, best: BestWeights) -> Result<(), TrainError>;

    /// Stores the finished model.
    fn write_model(&mut self, session: &Session, config: &Config) -> Result<(), TrainError>;

    /// Stores the summary.
    fn write_summary(&mut self, summary: &Summary) -> Result<(), TrainError>;

    /// Stores a picture of the first batch as PNG.
    fn write_picture(&mut self, bytes: &[u8]);

    /// Stores the times of the parts of steps as a trace for browsers.
    fn write_timeline(&mut self, trace: &serde_json::Value) -> Result<(), TrainError>;

    /// Stores the record of the flight recorder.
    fn write_flight_record(&mut self, record: &FlightRecord) -> Result<(), TrainError>;
}

/// Record of a run in a folder.
#[derive(Debug)]
pub(super) struct FolderRecord {
    folder: RunFolder,
    measurements: Measurements,
}

impl FolderRecord {
    /// Creates the record of a run that writes to `folder`.
    pub(super) fn new(folder: RunFolder) -> Self {
        let measurements = Measurements::of_new(&folder);
        FolderRecord { folder, measurements }
    }
}

impl Record for FolderRecord {
    fn folder(&self) -> Option<&RunFolder> {
        Some(&self.folder)
    }

    fn measurements(&self) -> Measurements {
        self.measurements.clone()
    }

    fn read_last(&self, session: &mut Session, fingerprint: &str) -> Result<Option<TrainingState>, TrainError> {
        let path = self.folder.last_checkpoint();
        if !path.exists() {
            return Ok(None);
        }
        session.read_last(fingerprint, &path).map(Some)
    }

    fn write_last(&mut self, session: &Session, state: &TrainingState) -> Result<(), TrainError> {
        session.write_last(state, &self.folder.last_checkpoint())
    }

    fn read_best(&self, session: &mut Session) -> Result<(), TrainError> {
        session.read_best(&self.folder.best_checkpoint())
    }

    fn write_best(&mut self, session: &Session, best: BestWeights) -> Result<(), TrainError> {
        Ok(session.best_checkpoint(best).write(&self.folder.best_checkpoint())?)
    }

    fn write_model(&mut self, session: &Session, config: &Config) -> Result<(), TrainError> {
        Ok(session.model(config).write(&self.folder.model())?)
    }

    fn write_summary(&mut self, summary: &Summary) -> Result<(), TrainError> {
        self.folder.write_summary(summary)
    }

    fn write_picture(&mut self, bytes: &[u8]) {
        // Nothing depends on the picture; a folder that cannot be written is reported at the next checkpoint.
        let _ = write_atomically(&self.folder.samples_picture(), |file| file.write_all(bytes));
    }

    fn write_timeline(&mut self, trace: &serde_json::Value) -> Result<(), TrainError> {
        self.folder.write_text(&self.folder.timeline(), &trace.to_string())
    }

    fn write_flight_record(&mut self, record: &FlightRecord) -> Result<(), TrainError> {
        let path = self.folder.flight_record();
        let text = serde_json::to_string_pretty(record).map_err(|error| TrainError::run(&path, error))?;
        self.folder.write_text(&path, &(text + "\n"))
    }
}
