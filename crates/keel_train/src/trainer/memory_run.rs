//! A run that is kept in memory.

use std::path::{Path, PathBuf};

use keel_nn::layers::CustomLayer;

use super::ranks::StartFiles;
use super::record::Record;
use crate::config::Config;
use crate::error::TrainError;
use crate::flight_recorder::FlightRecord;
use crate::predictor::Predictor;
use crate::runs::model_file::ModelDescription;
use crate::runs::{
    Checkpoint, Measurements, MemoryMetrics, MetricReader, Rows, RunFolder, Summary, TrainingState, restore_network,
    write_atomically,
};
use crate::session::Session;
use crate::session::checkpoint::BestWeights;

/// A finished run that wrote nothing to disk.
#[derive(Debug, Clone)]
pub struct MemoryRun {
    /// Summary of the results.
    pub summary: Summary,
    record: MemoryRecord,
}

/// Record of a run in memory.
#[derive(Debug, Clone)]
pub(super) struct MemoryRecord {
    config: String,
    metrics: MemoryMetrics,
    last: Option<Checkpoint<'static, TrainingState>>,
    best: Option<Checkpoint<'static, BestWeights>>,
    model: Option<Checkpoint<'static, ModelDescription>>,
    picture: Option<Vec<u8>>,
}

impl MemoryRun {
    pub(super) fn new(summary: Summary, record: MemoryRecord) -> Self {
        MemoryRun { summary, record }
    }

    /// Returns a reader of everything that was measured.
    ///
    /// # Errors
    /// None: tables in memory can always be read.
    pub fn measurements(&self) -> Result<MetricReader, TrainError> {
        Ok(self.record.metrics.reader())
    }

    /// Returns a predictor with the trained model; `layers` are the custom layers it uses.
    ///
    /// # Errors
    /// If a custom layer of the model is not in `layers`.
    pub fn predictor(&self, layers: &[CustomLayer]) -> Result<Predictor, TrainError> {
        let model = self.record.model.as_ref().ok_or_else(no_model)?;
        Predictor::of_model(model, Path::new("model in memory"), layers)
    }

    /// Writes the run to the folder `path`, as a run on disk would have written it. The folder must not exist or must be empty.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the file or folder that cannot be written.
    pub fn save(&self, path: &Path) -> Result<RunFolder, TrainError> {
        let folder = RunFolder::create_at(path)?;
        let MemoryRecord { config, metrics, last, best, model, picture } = &self.record;
        folder.write_text(&folder.config(), config)?;
        metrics.copy_to(Measurements::of_new(&folder).store(Rows::default())?)?;
        last.as_ref().map(|last| last.write(&folder.last_checkpoint())).transpose()?;
        best.as_ref().map(|best| best.write(&folder.best_checkpoint())).transpose()?;
        model.as_ref().map(|model| model.write(&folder.model())).transpose()?;
        if let Some(picture) = picture {
            let path = folder.samples_picture();
            write_atomically(&path, |file| file.write_all(picture)).map_err(|error| TrainError::run(&path, error))?;
        }
        folder.write_summary(&self.summary)?;
        Ok(folder)
    }
}

impl MemoryRecord {
    /// Creates the record of a new run of `config`.
    pub(super) fn new(config: &Config) -> Self {
        let (config, metrics) = (config.to_toml(), MemoryMetrics::default());
        MemoryRecord { config, metrics, last: None, best: None, model: None, picture: None }
    }

    /// Adds the checkpoints `start` of a resumed run.
    pub(super) fn starting_from(self, start: StartFiles) -> Result<Self, TrainError> {
        let path = Path::new("checkpoint of the first rank");
        let last = start.last.map(|bytes| Checkpoint::of_bytes(&bytes, path)).transpose()?;
        let best = start.best.map(|bytes| Checkpoint::of_bytes(&bytes, path)).transpose()?;
        Ok(MemoryRecord { last, best, ..self })
    }
}

impl Record for MemoryRecord {
    fn folder(&self) -> Option<&RunFolder> {
        None
    }

    fn measurements(&self) -> Measurements {
        Measurements::Memory(self.metrics.clone())
    }

    fn read_last(&self, session: &mut Session, fingerprint: &str) -> Result<Option<TrainingState>, TrainError> {
        let path = Path::new("checkpoint of the first rank");
        self.last.as_ref().map(|last| session.restore_last(fingerprint, last, path)).transpose()
    }

    fn write_last(&mut self, session: &Session, state: &TrainingState) -> Result<(), TrainError> {
        session.last_checkpoint(state).keep_in(&mut self.last);
        Ok(())
    }

    fn read_best(&self, session: &mut Session) -> Result<(), TrainError> {
        let best = self.best.as_ref().ok_or_else(no_model)?;
        Ok(restore_network(session.network_mut(), best, &PathBuf::from("best weights in memory"))?)
    }

    fn write_best(&mut self, session: &Session, best: BestWeights) -> Result<(), TrainError> {
        session.best_checkpoint(best).keep_in(&mut self.best);
        Ok(())
    }

    fn write_model(&mut self, session: &Session, config: &Config) -> Result<(), TrainError> {
        session.model(config).keep_in(&mut self.model);
        Ok(())
    }

    fn write_summary(&mut self, _summary: &Summary) -> Result<(), TrainError> {
        Ok(())
    }

    fn write_picture(&mut self, bytes: &[u8]) {
        self.picture = Some(bytes.to_vec());
    }

    fn write_timeline(&mut self, _trace: &serde_json::Value) -> Result<(), TrainError> {
        Ok(())
    }

    fn write_flight_record(&mut self, _record: &FlightRecord) -> Result<(), TrainError> {
        Ok(())
    }
}

fn no_model() -> TrainError {
    TrainError::of_file(Path::new("run in memory"), "it has no weights", "train for at least one epoch")
}
