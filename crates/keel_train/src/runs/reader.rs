//! Reads the measurements of a run: for reports during a run and afterwards.

use std::path::Path;

use keel_health::Finding;

use super::storage::Source;
use super::{EpochRecord, FindingRecord, HistogramRecord, LayerSeries, StepRecord, TensorName, database};
use crate::error::TrainError;

/// The measurements of a run, opened for reading only.
///
/// A table or column that is missing in a run of an older version reads as empty.
#[derive(Debug)]
pub struct MetricReader {
    source: Box<dyn Source>,
}

impl MetricReader {
    /// Opens the database at `path`, whose contents are not changed.
    ///
    /// # Errors
    /// [`TrainError::Run`] if it does not exist or is damaged; always without the feature `sqlite`.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        if !path.exists() {
            return Err(missing(path));
        }
        Ok(MetricReader::new(database::source(path)?))
    }

    /// Returns a reader of `source`.
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        MetricReader { source }
    }

    /// Returns the scalars of every step, in order.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database is damaged.
    pub fn steps(&self) -> Result<Vec<StepRecord>, TrainError> {
        self.steps_from(0)
    }

    /// Returns the scalars of step `first` and all later ones, in order.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn steps_from(&self, first: u64) -> Result<Vec<StepRecord>, TrainError> {
        self.source.steps_from(first)
    }

    /// Returns the number of the last step, if there is one.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn last_step(&self) -> Result<Option<u64>, TrainError> {
        self.source.last_step()
    }

    /// Returns the scalars of every epoch and part, in order.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn epochs(&self) -> Result<Vec<EpochRecord>, TrainError> {
        self.source.epochs()
    }

    /// Returns every measurement of every layer over the steps, ordered by the names of layers and measurements.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn layers(&self) -> Result<Vec<LayerSeries>, TrainError> {
        self.layers_from(0)
    }

    /// Returns the same as [`MetricReader::layers`], for step `first` and all later ones.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn layers_from(&self, first: u64) -> Result<Vec<LayerSeries>, TrainError> {
        self.source.layers_from(first)
    }

    /// Returns every histogram, by step, layer and name. A histogram whose counts cannot be read is omitted.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn histograms(&self) -> Result<Vec<HistogramRecord>, TrainError> {
        self.source.histograms()
    }

    /// Returns the histograms of one tensor of one layer, by step.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn histograms_of(&self, tensor: &TensorName) -> Result<Vec<HistogramRecord>, TrainError> {
        self.source.histograms_of(tensor)
    }

    /// Returns the tensors that have histograms, by the names of their layers.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn histogram_names(&self) -> Result<Vec<TensorName>, TrainError> {
        self.source.histogram_names()
    }

    /// Returns every finding in the order it was written.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn findings(&self) -> Result<Vec<FindingRecord>, TrainError> {
        self.source.findings()
    }

    /// Returns the last finding of each code and layer, in the order of their first appearance; rows of another version are
    /// omitted.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn latest_findings(&self) -> Result<Vec<Finding>, TrainError> {
        let mut findings: Vec<Finding> = Vec::new();
        for row in self.findings()? {
            let Ok(finding) = serde_json::from_str::<Finding>(&row.document) else { continue };
            match findings.iter_mut().find(|known| known.reference() == finding.reference()) {
                Some(known) => *known = finding,
                None => findings.push(finding),
            }
        }
        Ok(findings)
    }
}

fn missing(path: &Path) -> TrainError {
    let reason = "no such file, so this run has no curves, no measurements of layers and no histograms";
    let next = "a library built without SQLite writes none; train again with `evenkeel train`, or build the library with the \
                feature `sqlite` of the crate keel_train";
    TrainError::of_file(path, reason, next)
}
