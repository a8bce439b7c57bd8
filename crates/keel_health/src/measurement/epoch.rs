//! Measurements at the end of an epoch.

use serde::{Deserialize, Serialize};

use super::nulls_are_nan;

/// Losses and accuracies at the end of an epoch, measured in evaluation mode unless stated otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EpochMeasurement {
    /// Number of the epoch, from 0.
    pub epoch: u64,
    /// Last step of the epoch.
    pub step: u64,
    /// Loss on the training split (or a fixed part of it), evaluation mode, without augmentation.
    pub train_loss: Option<f32>,
    /// Loss on the validation split.
    pub validation_loss: Option<f32>,
    /// Accuracy on the training split, in [0, 1].
    pub train_accuracy: Option<f32>,
    /// Accuracy on the validation split, in [0, 1].
    pub validation_accuracy: Option<f32>,
    /// Loss in training mode (batch statistics, no dropout) on the same samples as `eval_mode_loss`.
    pub train_mode_loss: Option<f32>,
    /// Loss in evaluation mode (running statistics) on the same samples as `train_mode_loss`.
    pub eval_mode_loss: Option<f32>,
    /// True if the network was in training mode while losses and accuracies were measured, as reported by the framework.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_mode: Option<bool>,
    /// Running and exact statistics of the batch normalisation layers.
    pub norms: Vec<NormStatistics>,
    /// Ranks that train together, in order; empty for a single one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<RankMeasurement>,
}

/// One of several ranks that train one network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankMeasurement {
    /// Checksum of its weights and running statistics, equal on all ranks that are in sync.
    pub checksum: u32,
    /// Mean time of its steps in seconds, without the time spent waiting for other ranks.
    pub step_seconds: f32,
}

/// Running and exact statistics of one batch normalisation layer; every vector has one entry per channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NormStatistics {
    /// Index of the layer in the model description.
    pub layer: usize,
    /// Running mean, as used by inference.
    #[serde(deserialize_with = "nulls_are_nan")]
    pub running_mean: Vec<f32>,
    /// Running variance, as used by inference.
    #[serde(deserialize_with = "nulls_are_nan")]
    pub running_variance: Vec<f32>,
    /// Mean over many training batches with the current weights; empty if not computed.
    #[serde(deserialize_with = "nulls_are_nan")]
    pub exact_mean: Vec<f32>,
    /// Variance over many training batches with the current weights; empty if not computed.
    #[serde(deserialize_with = "nulls_are_nan")]
    pub exact_variance: Vec<f32>,
    /// Weight of a new batch in the running statistics; `None` for a cumulative average.
    pub momentum: Option<f32>,
    /// Number of updates of the running statistics so far.
    pub updates: u64,
}
