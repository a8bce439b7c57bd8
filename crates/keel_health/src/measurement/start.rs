//! Measurements before the first update: the forward and backward pass of one training batch, and the pre-flight checks.

use serde::{Deserialize, Serialize};

use super::{StepMeasurement, null_is_nan};

/// State of the network before the first update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartMeasurement {
    /// Loss before the first update.
    pub loss: Option<f32>,
    /// Number of samples `loss` was averaged over.
    pub samples: u64,
    /// Signal of each layer on one real batch. Layers may be missing.
    pub layers: Vec<StartLayer>,
    /// Result of training on a handful of samples without regularisation.
    pub tiny_batch: Option<TinyBatch>,
    /// Result of comparing the gradient with finite differences.
    pub gradient_check: Option<GradientCheck>,
    /// Largest difference between the output of one sample alone and in a batch, in evaluation mode.
    pub batch_mixing: Option<f32>,
}

/// Signal of one layer on one real batch before the first update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartLayer {
    /// Index of the layer in the model description.
    pub layer: usize,
    /// Mean of the layer's output.
    pub output_mean: Option<f32>,
    /// Standard deviation of the layer's output (for linear and convolution: of z).
    pub output_std: Option<f32>,
    /// RMS of the loss gradient with respect to the layer's output.
    pub gradient_rms: Option<f32>,
    /// Number of elements of the layer's output per sample.
    pub elements: Option<u64>,
    /// Share of saturated elements (sigmoid outside [0.015, 0.985], |tanh| > 0.97).
    pub saturated_fraction: Option<f32>,
    /// Share of units that did not fire for any sample (relu).
    pub dead_fraction: Option<f32>,
    /// Share of elements of the layer's output that are exactly zero.
    pub zero_fraction: Option<f32>,
    /// Number of units with the same incoming weights and the same gradient as another unit of the layer.
    pub identical_units: Option<u64>,
    /// Number of units in the layer.
    pub units: Option<u64>,
    /// Number of NaN or infinite output elements.
    pub non_finite: u64,
}

/// Result of training on a handful of samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TinyBatch {
    /// Number of training samples.
    pub samples: u64,
    /// Number of steps.
    pub steps: u64,
    /// Share of the samples still wrong at the end; `None` for regression.
    #[serde(default)]
    pub training_error: Option<f32>,
    /// Loss in the first step.
    #[serde(deserialize_with = "null_is_nan")]
    pub first_loss: f32,
    /// Loss in the last step.
    #[serde(deserialize_with = "null_is_nan")]
    pub last_loss: f32,
    /// Learning rate at which Adam learned the same samples with the same network, if the run's own optimizer failed.
    #[serde(default)]
    pub learned_at: Option<f32>,
}

/// Result of comparing the gradient with finite differences of the loss.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientCheck {
    /// Largest relative error over the checked entries, minus the error explained by rounding if measured.
    #[serde(deserialize_with = "null_is_nan")]
    pub largest_relative_error: f32,
    /// Layer whose backward pass is suspected.
    pub layer: Option<usize>,
    /// Number of entries checked.
    pub entries: u64,
}

impl StartMeasurement {
    /// Returns the start as measured in the first step of a run, for loops that measure nothing before.
    pub fn from_first_step(step: &StepMeasurement) -> Self {
        let layers = step.layers.iter().map(|layer| StartLayer {
            layer: layer.layer,
            output_mean: layer.output.as_ref().map(|output| output.mean),
            output_std: layer.output.as_ref().map(|output| output.std),
            gradient_rms: layer.gradient.as_ref().map(|gradient| gradient.rms),
            elements: layer.output.as_ref().map(|output| output.count / step.samples.max(1)),
            saturated_fraction: layer.output.as_ref().and_then(|output| output.saturated_fraction),
            zero_fraction: layer.output.as_ref().and_then(|output| output.zero_fraction),
            non_finite: layer.output.as_ref().map_or(0, |output| output.non_finite),
            ..StartLayer::default()
        });
        Self { loss: Some(step.loss), samples: step.samples, layers: layers.collect(), ..Self::default() }
    }

    /// Returns the entry of layer `index`, if measured.
    pub fn layer(&self, index: usize) -> Option<&StartLayer> {
        self.layers.iter().find(|layer| layer.layer == index)
    }
}
