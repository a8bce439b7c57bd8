//! Reduces the learning rate by a factor at regular intervals.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{Horizon, ScheduleDefinition};
use super::plateau_state::PlateauState;

/// Multiplies the learning rate by `factor` every `every` epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepConfig {
    /// Number of epochs between reductions.
    #[schemars(range(min = 1))]
    pub every: u64,
    /// Factor of the learning rate.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub factor: f64,
    /// Number of warm-up steps, over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl Default for StepConfig {
    fn default() -> Self {
        StepConfig { every: 10, factor: 0.1, warmup_steps: 0 }
    }
}

impl StepConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "step",
        summary: "Multiplies the learning rate by a factor at regular intervals of epochs",
    };
}

impl ScheduleDefinition for StepConfig {
    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn factor_at(&self, step: u64, Horizon { steps_per_epoch, .. }: Horizon, _plateau: &PlateauState) -> f64 {
        let reductions = step / (self.every.max(1) * steps_per_epoch.max(1));
        self.factor.powf(reductions as f64)
    }
}
