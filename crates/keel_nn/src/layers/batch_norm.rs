//! Batch normalisation: each channel or feature normalised over the batch (Ioffe & Szegedy 2015).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of a `batch_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNormSpec {
    /// Weight of the new batch in the running statistics, as in PyTorch: running = (1 - momentum) * running + momentum *
    /// batch. A small number is a long memory. Unused with running = "cumulative".
    #[serde(default = "tenth")]
    pub momentum: f32,
    /// Added to the variance before its square root is taken.
    #[serde(default = "hundred_thousandth")]
    pub epsilon: f32,
    /// Whether a learned scale and shift follow.
    #[serde(default = "yes")]
    pub affine: bool,
    /// How the statistics for evaluation are gathered.
    #[serde(default)]
    pub running: RunningStatistics,
}

/// How batch norm gathers the statistics it uses in evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunningStatistics {
    /// Exponential moving average with `momentum`.
    #[default]
    Ema,
    /// Plain average over all batches so far.
    Cumulative,
}

fn tenth() -> f32 {
    0.1
}

fn hundred_thousandth() -> f32 {
    1e-5
}

fn yes() -> bool {
    true
}

impl Default for BatchNormSpec {
    fn default() -> Self {
        BatchNormSpec {
            momentum: tenth(),
            epsilon: hundred_thousandth(),
            affine: yes(),
            running: RunningStatistics::Ema,
        }
    }
}
