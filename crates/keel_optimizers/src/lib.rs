//! Optimizers, which compute updates from gradients. One file each; this one contains the list.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod adagrad;
mod adam;
mod adamw;
mod clip;
mod definition;
mod element_wise;
mod kinds;
mod optimizer;
mod parameter_pass;
mod rmsprop;
mod sgd;

use keel_nn::{CatalogEntry, catalog_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use definition::{CommonSettings, OptimizerDefinition};

pub use adagrad::AdagradConfig;
pub use adam::AdamConfig;
pub use adamw::AdamwConfig;
pub use kinds::SegmentKind;
pub use optimizer::{Optimizer, StepNorms};
pub use parameter_pass::{ParameterSegment, SegmentNorms};
pub use rmsprop::RmspropConfig;
pub use sgd::SgdConfig;

catalog_enum! {
    /// Optimizer, which computes updates from gradients.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "type", rename_all = "snake_case")]
    pub enum OptimizerConfig: OptimizerDefinition, CatalogEntry {
        Sgd(sgd: SgdConfig),
        Adam(adam: AdamConfig),
        Adamw(adamw: AdamwConfig),
        Rmsprop(rmsprop: RmspropConfig),
        Adagrad(adagrad: AdagradConfig),
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig::Sgd(SgdConfig::default())
    }
}

impl OptimizerConfig {
    /// Returns the name in the config file.
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// Returns the learning rate that schedules scale.
    pub fn learning_rate(&self) -> f64 {
        self.definition().common().learning_rate
    }

    /// Returns the optimizer with a different learning rate.
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        let definition = self.definition();
        definition.with_common(CommonSettings { learning_rate, ..definition.common() })
    }

    /// Returns the optimizer with a different weight decay.
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        let definition = self.definition();
        definition.with_common(CommonSettings { weight_decay, ..definition.common() })
    }

    /// Returns the weight decay applied to weights.
    pub fn weight_decay(&self) -> f64 {
        self.definition().common().weight_decay
    }

    /// Returns true if weight decay is subtracted from the weights directly instead of being added to the gradient.
    pub fn decouples_weight_decay(&self) -> bool {
        self.definition().decouples_weight_decay()
    }

    /// Returns the maximum norm of the gradient; 0 = off.
    pub fn clip_norm(&self) -> f64 {
        self.definition().common().clip_norm
    }

    /// Returns the names of the slots kept for every parameter between steps, as stored in a checkpoint.
    pub fn slot_names(&self) -> &'static [&'static str] {
        self.definition().slot_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_calls_every_optimizer_by_the_name_of_its_entry() {
        for entry in CATALOG {
            let config: OptimizerConfig = serde_json::from_value(serde_json::json!({ "type": entry.name })).unwrap();
            assert_eq!(config.entry(), *entry);
            let other = config.clone().with_learning_rate(0.125).with_weight_decay(0.25);
            assert_eq!((other.name(), other.learning_rate(), other.weight_decay()), (entry.name, 0.125, 0.25));
            assert_eq!(other.clip_norm(), config.clip_norm(), "{}", entry.name);
            let back = other.with_learning_rate(config.learning_rate()).with_weight_decay(config.weight_decay());
            assert_eq!(back, config, "{}: all other settings stay", entry.name);
        }
    }
}
