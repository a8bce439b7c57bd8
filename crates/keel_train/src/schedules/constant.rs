//! A constant learning rate.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{Horizon, ScheduleDefinition};
use super::plateau_state::PlateauState;

/// A constant learning rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantConfig {
    /// Number of warm-up steps, over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl ConstantConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry { name: "constant", summary: "Constant learning rate" };
}

impl ScheduleDefinition for ConstantConfig {
    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn factor_at(&self, _step: u64, _horizon: Horizon, _plateau: &PlateauState) -> f64 {
        1.0
    }
}
