//! Storage behind a [`MetricStore`](super::MetricStore) and a [`MetricReader`](super::MetricReader): a database or tables in
//! memory.

use std::fmt;

use super::{EpochRecord, FindingRecord, HistogramRecord, LayerRecord, LayerSeries, StepRecord, TensorName};
use crate::error::TrainError;

/// Rows of one kind.
#[derive(Debug)]
pub(super) enum Records {
    Steps(Vec<StepRecord>),
    Epoch(EpochRecord),
    Layers(Vec<LayerRecord>),
    Histograms(Vec<HistogramRecord>),
    Finding(FindingRecord),
}

/// Destination of rows. A row replaces an earlier one of the same step, epoch, layer and name.
pub(super) trait Sink: fmt::Debug + Send {
    /// Adds rows; an error shows at the next [`Sink::flush`].
    fn write(&mut self, records: Records);

    /// Waits until all rows are stored.
    fn flush(&mut self) -> Result<(), TrainError>;
}

/// Rows to read, in the order that [`MetricReader`](super::MetricReader) states. NaN reads as NaN, and as `None` if optional.
pub(super) trait Source: fmt::Debug + Send {
    fn steps_from(&self, first: u64) -> Result<Vec<StepRecord>, TrainError>;
    fn last_step(&self) -> Result<Option<u64>, TrainError>;
    fn epochs(&self) -> Result<Vec<EpochRecord>, TrainError>;
    fn layers_from(&self, first: u64) -> Result<Vec<LayerSeries>, TrainError>;
    fn histograms(&self) -> Result<Vec<HistogramRecord>, TrainError>;
    fn histograms_of(&self, tensor: &TensorName) -> Result<Vec<HistogramRecord>, TrainError>;
    fn histogram_names(&self) -> Result<Vec<TensorName>, TrainError>;
    fn findings(&self) -> Result<Vec<FindingRecord>, TrainError>;
}
