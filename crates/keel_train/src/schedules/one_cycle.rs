//! One cycle: the learning rate rises to its maximum and then falls more slowly to far below its start, after Smith & Topin
//! 2018.

use std::f64::consts::PI;

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{Horizon, ScheduleDefinition};
use super::plateau_state::PlateauState;

/// From `learning_rate / start_divisor` up to `learning_rate`, then down to the start divided by `final_divisor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycleConfig {
    /// Fraction of the steps in which the learning rate rises.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub rising_share: f64,
    /// Ratio of the maximum to the first learning rate.
    #[schemars(range(min = 1.0))]
    pub start_divisor: f64,
    /// Ratio of the first to the last learning rate.
    #[schemars(range(min = 1.0))]
    pub final_divisor: f64,
    /// Interpolation between start, maximum and last learning rate: cosine or linear.
    pub shape: CycleShape,
    /// Number of warm-up steps, over which the learning rate first rises from near zero, before the cycle.
    pub warmup_steps: u64,
}

/// Interpolation of a learning rate between two values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CycleShape {
    /// Half a cosine: slow at both ends.
    #[default]
    Cosine,
    /// Straight line.
    Linear,
}

impl CycleShape {
    /// Returns the value at the fraction `progress` of the way.
    fn between(self, from: f64, to: f64, progress: f64) -> f64 {
        match self {
            CycleShape::Cosine => to + (from - to) / 2.0 * (1.0 + (PI * progress).cos()),
            CycleShape::Linear => from + (to - from) * progress,
        }
    }
}

impl Default for OneCycleConfig {
    fn default() -> Self {
        OneCycleConfig {
            rising_share: 0.3,
            start_divisor: 25.0,
            final_divisor: 10_000.0,
            shape: CycleShape::default(),
            warmup_steps: 0,
        }
    }
}

impl OneCycleConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "one_cycle",
        summary: "Rises, then falls far below the start; for short training runs at a high learning rate",
    };
}

impl ScheduleDefinition for OneCycleConfig {
    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn factor_at(&self, step: u64, Horizon { total_steps, .. }: Horizon, _plateau: &PlateauState) -> f64 {
        let start = 1.0 / self.start_divisor;
        let last = total_steps as f64 - 1.0;
        let summit = self.rising_share * total_steps as f64 - 1.0;
        let step = (step as f64).min(last.max(0.0));
        if summit > 0.0 && step <= summit {
            self.shape.between(start, 1.0, step / summit)
        } else if last > summit.max(0.0) {
            let end = start / self.final_divisor;
            self.shape.between(1.0, end, (step - summit.max(0.0)) / (last - summit.max(0.0)))
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_cycle_is_two_straight_lines() {
        let config = OneCycleConfig {
            rising_share: 0.25,
            start_divisor: 5.0,
            final_divisor: 2.0,
            shape: CycleShape::Linear,
            ..OneCycleConfig::default()
        };
        let horizon = Horizon { total_steps: 20, steps_per_epoch: 5 };
        let at = |step| config.factor_at(step, horizon, &PlateauState::default());
        // The maximum is at the fifth of 20 steps, the last one is a tenth.
        for (step, expected) in [(0, 0.2), (1, 0.4), (4, 1.0), (9, 0.7), (14, 0.4), (19, 0.1), (25, 0.1)] {
            assert!((at(step) - expected).abs() < 1e-12, "step {step}: {}", at(step));
        }
    }
}
