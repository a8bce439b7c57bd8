//! Half a cosine from the learning rate to a final share of it, after Loshchilov & Hutter 2017, equation 5.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `final + (1 - final) (1 + cos(pi step / total)) / 2` times the learning rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosineConfig {
    /// Share of the learning rate at the end.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub final_share: f64,
    /// Steps over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl CosineConfig {
    pub(super) fn factor_at(&self, step: u64, total_steps: u64) -> f64 {
        let progress = (step as f64 / total_steps.max(1) as f64).min(1.0);
        self.final_share + (1.0 - self.final_share) * (1.0 + (PI * progress).cos()) / 2.0
    }
}
