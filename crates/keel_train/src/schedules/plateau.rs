//! Learning rate reduced when the validation loss stops falling.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Multiplied by `factor` after more than `patience` epochs without a better validation loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlateauConfig {
    /// What the learning rate is multiplied by.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub factor: f64,
    /// Epochs without improvement that are waited for.
    pub patience: u64,
    /// Relative improvement that counts.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// Smallest share of the learning rate.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub minimum_share: f64,
    /// Steps over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        PlateauConfig { factor: 0.1, patience: 3, threshold: 1e-4, minimum_share: 0.0, warmup_steps: 0 }
    }
}

/// What the schedule remembers between epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Present share of the learning rate.
    pub factor: f64,
    /// Lowest loss so far.
    pub best: Option<f64>,
    /// Epochs since then.
    pub waited: u64,
}

impl Default for PlateauState {
    fn default() -> Self {
        PlateauState { factor: 1.0, best: None, waited: 0 }
    }
}

impl PlateauState {
    pub(super) fn observe(&mut self, config: &PlateauConfig, loss: f64) {
        // A loss that is not finite is never the best one.
        if loss.is_finite() && self.best.is_none_or(|best| loss < best * (1.0 - config.threshold)) {
            (self.best, self.waited) = (Some(loss), 0);
            return;
        }
        self.waited += 1;
        if self.waited > config.patience {
            self.factor = (self.factor * config.factor).max(config.minimum_share);
            self.waited = 0;
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
            state.observe(&config, loss);
            assert_eq!((state.best, state.factor), (best, factor), "{loss}");
        }
    }
}
