//! Learning rate reduced by a factor at regular intervals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Multiplied by `factor` every `every` epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepConfig {
    /// Epochs between reductions.
    #[schemars(range(min = 1))]
    pub every: u64,
    /// What the learning rate is multiplied by.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub factor: f64,
    /// Steps over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl Default for StepConfig {
    fn default() -> Self {
        StepConfig { every: 10, factor: 0.1, warmup_steps: 0 }
    }
}

impl StepConfig {
    pub(super) fn factor_at(&self, step: u64, steps_per_epoch: u64) -> f64 {
        let reductions = step / (self.every.max(1) * steps_per_epoch.max(1));
        self.factor.powf(reductions as f64)
    }
}
