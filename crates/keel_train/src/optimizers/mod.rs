//! Optimisers: how a gradient becomes an update. One file each; this one holds the list.

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
    /// How gradients become updates.
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
    /// The name in the config file.
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// The learning rate schedules scale.
    pub fn learning_rate(&self) -> f64 {
        self.definition().common().learning_rate
    }

    /// The same optimiser with another learning rate.
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        let definition = self.definition();
        definition.with_common(CommonSettings { learning_rate, ..definition.common() })
    }

    /// The same optimiser with another weight decay.
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        let definition = self.definition();
        definition.with_common(CommonSettings { weight_decay, ..definition.common() })
    }

    /// The weight decay applied to weights.
    pub fn weight_decay(&self) -> f64 {
        self.definition().common().weight_decay
    }

    /// Returns true if weight decay is taken off the weights directly instead of being added to the gradient.
    pub fn decouples_weight_decay(&self) -> bool {
        self.definition().decouples_weight_decay()
    }

    /// The norm gradients are clipped to; 0 is off.
    pub fn clip_norm(&self) -> f64 {
        self.definition().common().clip_norm
    }

    /// Names of the numbers kept for every parameter between steps, as a checkpoint stores them.
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
