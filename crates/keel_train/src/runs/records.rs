//! Measurements of a run as they are written and read.

use crate::metrics::Metrics;

/// Rows of a run up to a checkpoint.
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

/// One histogram of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramRecord {
    /// Step at which it was taken, counted from 1.
    pub step: u64,
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the tensor.
    pub name: String,
    /// Lower bound of the first bin.
    pub low: f64,
    /// Upper bound of the last bin.
    pub high: f64,
    /// Number of values in each bin; all bins have the same width.
    pub counts: Vec<u64>,
}

/// One measurement of one layer over the run.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSeries {
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the measurement.
    pub name: String,
    /// Steps, ascending, with the measured values; NaN if not finite.
    pub points: Vec<(u64, f64)>,
}

/// A tensor of a layer with histograms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorName {
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the tensor.
    pub name: String,
}
