//! Half a cosine from the learning rate to a final fraction of it, after Loshchilov & Hutter 2017, equation 5.

use std::f64::consts::PI;

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{Horizon, ScheduleDefinition};
use super::plateau_state::PlateauState;

/// `final + (1 - final) (1 + cos(pi step / total)) / 2` times the learning rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosineConfig {
    /// Fraction of the learning rate at the end.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub final_share: f64,
    /// Number of warm-up steps, over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl CosineConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "cosine", summary: "Falls along half a cosine to a final value" };
}

impl ScheduleDefinition for CosineConfig {
    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn factor_at(&self, step: u64, Horizon { total_steps, .. }: Horizon, _plateau: &PlateauState) -> f64 {
        let progress = (step as f64 / total_steps.max(1) as f64).min(1.0);
        self.final_share + (1.0 - self.final_share) * (1.0 + (PI * progress).cos()) / 2.0
    }
}
