//! A training run that has ended.

use std::path::Path;

use keel_health::Finding;
use keel_nn::layers::CustomLayer;
use keel_train::metrics::Metrics;
use keel_train::runs::{MetricReader, Summary};
use keel_train::{MemoryRun, Predictor, TrainError, TrainedRun};

/// A finished training run with its results, in a folder or in memory.
///
/// # Examples
///
/// ```
/// use evenkeel::prelude::*;
///
/// # fn main() -> Result<(), TrainError> {
/// let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
/// let run = Trainer::new(Model::sequential().linear(32).relu().output()).epochs(1).in_memory().fit(&data)?;
/// let accuracy = run.test_metrics().and_then(|metrics| metrics.accuracy);
/// assert!(accuracy.is_some_and(|accuracy| accuracy > 0.1));
/// for finding in run.findings()? {
///     println!("{} {}: {}", finding.code, finding.rule, finding.message);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FittedRun {
    kept: Kept,
    custom_layers: Vec<CustomLayer>,
}

#[derive(Debug, Clone)]
enum Kept {
    Folder(Box<TrainedRun>),
    Memory(Box<MemoryRun>),
}

impl FittedRun {
    pub(crate) fn in_folder(run: TrainedRun, custom_layers: Vec<CustomLayer>) -> Self {
        FittedRun { kept: Kept::Folder(Box::new(run)), custom_layers }
    }

    pub(crate) fn in_memory(run: MemoryRun, custom_layers: Vec<CustomLayer>) -> Self {
        FittedRun { kept: Kept::Memory(Box::new(run)), custom_layers }
    }

    /// Returns the folder of the run; `None` for a run in memory.
    pub fn folder(&self) -> Option<&Path> {
        match &self.kept {
            Kept::Folder(run) => Some(run.folder.path()),
            Kept::Memory(_) => None,
        }
    }

    /// Returns the content of `summary.json`.
    pub fn summary(&self) -> &Summary {
        match &self.kept {
            Kept::Folder(run) => &run.summary,
            Kept::Memory(run) => &run.summary,
        }
    }

    /// Returns the metrics of the best weights on the test split; `None` without such a split.
    pub fn test_metrics(&self) -> Option<&Metrics> {
        self.summary().metrics.test.as_ref()
    }

    /// Returns the metrics of the best weights on the validation split; `None` without such a split.
    pub fn validation_metrics(&self) -> Option<&Metrics> {
        self.summary().metrics.validation.as_ref()
    }

    /// Returns the findings of the health rules, causes first.
    ///
    /// # Errors
    /// If a finding cannot be read back.
    pub fn findings(&self) -> Result<Vec<Finding>, TrainError> {
        self.summary().read_findings()
    }

    /// Returns all measurements: scalars of every step and epoch, and those of every layer over the steps. Without SQLite (see
    /// [the crate](crate)), those of a resumed run begin where it was resumed.
    ///
    /// # Errors
    /// If the run's database cannot be read back.
    pub fn measurements(&self) -> Result<MetricReader, TrainError> {
        match &self.kept {
            Kept::Folder(run) => run.measurements(),
            Kept::Memory(run) => run.measurements(),
        }
    }

    /// Returns the trained model.
    ///
    /// # Errors
    /// If the model's file cannot be read back.
    pub fn predictor(&self) -> Result<Predictor, TrainError> {
        match &self.kept {
            Kept::Folder(run) => Predictor::load_with(run.folder.path(), &self.custom_layers),
            Kept::Memory(run) => run.predictor(&self.custom_layers),
        }
    }

    /// Writes the whole run as the folder `path`, which must not exist or be empty: model, config, summary, measurements
    /// (with SQLite, see [the crate](crate)) and checkpoints. [`Predictor::load`] and every command of `evenkeel` read it.
    ///
    /// # Errors
    /// [`TrainError::Run`] naming the file or folder that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TrainError> {
        match &self.kept {
            Kept::Folder(run) => run.folder.copy_to(path.as_ref()).map(|_| ()),
            Kept::Memory(run) => run.save(path.as_ref()).map(|_| ()),
        }
    }
}
