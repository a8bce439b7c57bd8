//! A training that has ended.

use std::path::Path;

use keel_health::Finding;
use keel_nn::layers::CustomLayer;
use keel_train::metrics::Metrics;
use keel_train::remedies::findings_of;
use keel_train::runs::{MetricReader, Summary};
use keel_train::{Predictor, TrainError, TrainedRun};

/// A run on disk with its results at hand.
#[derive(Debug, Clone)]
pub struct FittedRun {
    run: TrainedRun,
    custom_layers: Vec<CustomLayer>,
}

impl FittedRun {
    pub(crate) fn new(run: TrainedRun, custom_layers: Vec<CustomLayer>) -> Self {
        FittedRun { run, custom_layers }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.run.folder.path()
    }

    /// Everything `summary.json` says.
    pub fn summary(&self) -> &Summary {
        &self.run.summary
    }

    /// Metrics of the test split, those of the best weights; `None` without such a split.
    pub fn test_metrics(&self) -> Option<&Metrics> {
        self.run.summary.metrics.test.as_ref()
    }

    /// Metrics of the validation split, those of the best weights; `None` without such a split.
    pub fn validation_metrics(&self) -> Option<&Metrics> {
        self.run.summary.metrics.validation.as_ref()
    }

    /// What the health rules found, causes first.
    ///
    /// # Errors
    /// If the run's summary or database cannot be read back.
    pub fn findings(&self) -> Result<Vec<Finding>, TrainError> {
        findings_of(&self.run.folder)
    }

    /// Everything that was measured: scalars of every step and epoch, and of every layer over the steps.
    ///
    /// # Errors
    /// If the run's database cannot be read back.
    pub fn measurements(&self) -> Result<MetricReader, TrainError> {
        MetricReader::open(&self.run.folder.metrics())
    }

    /// The trained model.
    ///
    /// # Errors
    /// If the model's file cannot be read back.
    pub fn predictor(&self) -> Result<Predictor, TrainError> {
        Predictor::load_with(self.folder(), &self.custom_layers)
    }
}
