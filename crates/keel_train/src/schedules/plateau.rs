//! Reduces the learning rate when the validation loss stops falling.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{Horizon, ScheduleDefinition};
use super::plateau_state::PlateauState;

/// Multiplies the learning rate by `factor` after more than `patience` epochs without a better validation loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlateauConfig {
    /// Factor of the learning rate.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub factor: f64,
    /// Number of epochs without improvement before a reduction.
    pub patience: u64,
    /// Minimum relative improvement that counts.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// Minimum fraction of the learning rate.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub minimum_share: f64,
    /// Number of warm-up steps, over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        PlateauConfig { factor: 0.1, patience: 3, threshold: 1e-4, minimum_share: 0.0, warmup_steps: 0 }
    }
}

impl PlateauConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "reduce_on_plateau",
        summary: "Multiplies the learning rate by a factor when the validation loss stops falling",
    };
}

impl ScheduleDefinition for PlateauConfig {
    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn factor_at(&self, _step: u64, _horizon: Horizon, plateau: &PlateauState) -> f64 {
        plateau.factor
    }

    fn epoch_ended(&self, plateau: &mut PlateauState, validation_loss: f64) {
        // A loss that is not finite is never the best.
        let is_better = |best: f64| validation_loss < best * (1.0 - self.threshold);
        if validation_loss.is_finite() && plateau.best.is_none_or(is_better) {
            (plateau.best, plateau.waited) = (Some(validation_loss), 0);
            return;
        }
        plateau.waited += 1;
        if plateau.waited > self.patience {
            plateau.factor = (plateau.factor * self.factor).max(self.minimum_share);
            plateau.waited = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_is_not_finite_is_waited_for_and_never_the_best() {
        let config = PlateauConfig { patience: 1, ..PlateauConfig::default() };
        let mut state = PlateauState::default();
        for (loss, best, factor) in [
            (f64::NAN, None, 1.0),
            (0.5, Some(0.5), 1.0),
            (f64::NAN, Some(0.5), 1.0),
            (f64::NEG_INFINITY, Some(0.5), 0.1),
            (0.4, Some(0.4), 0.1),
        ] {
            config.epoch_ended(&mut state, loss);
            assert_eq!((state.best, state.factor), (best, factor), "{loss}");
        }
    }
}
