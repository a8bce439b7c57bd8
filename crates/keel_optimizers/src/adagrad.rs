//! Adagrad, after Duchi et al. 2011.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;
use super::definition::{CommonSettings, OptimizerDefinition, StepSettings};
use super::element_wise::{Rule, Update};
use super::kinds::Rules;
use super::parameter_pass::ParameterPass;

/// Adagrad: divides the gradient by the square root of the sum of all squared gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdagradConfig {
    /// Learning rate; scaled by the schedule.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Added to the square root of the sum, so that the divisor is never zero.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f64,
    /// Weight decay: fraction of each weight added to its gradient; not applied to norms and biases.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Maximum norm of the whole gradient, which is scaled down to it if it is longer; 0 = off.
    #[schemars(range(min = 0.0))]
    pub clip_norm: f64,
}

impl Default for AdagradConfig {
    fn default() -> Self {
        AdagradConfig { learning_rate: 0.01, epsilon: 1e-10, weight_decay: 0.0, clip_norm: 0.0 }
    }
}

impl AdagradConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "adagrad",
        summary: "Gradient divided by the square root of the sum of all squared gradients so far",
    };
}

impl OptimizerDefinition for AdagradConfig {
    fn common(&self) -> CommonSettings {
        let AdagradConfig { learning_rate, weight_decay, clip_norm, .. } = *self;
        CommonSettings { learning_rate, weight_decay, clip_norm }
    }

    fn with_common(&self, common: CommonSettings) -> OptimizerConfig {
        let CommonSettings { learning_rate, weight_decay, clip_norm } = common;
        OptimizerConfig::Adagrad(AdagradConfig { learning_rate, weight_decay, clip_norm, ..self.clone() })
    }

    fn slot_names(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn update(&self, step: StepSettings, pass: ParameterPass<'_>) {
        pass.run(&Rules::same(Adagrad::new(self, step.learning_rate)));
    }
}

/// Settings of one step, rounded once.
#[derive(Clone)]
struct Adagrad {
    learning_rate: f32,
    epsilon: f32,
}

impl Adagrad {
    fn new(config: &AdagradConfig, learning_rate: f64) -> Self {
        Adagrad { learning_rate: learning_rate as f32, epsilon: config.epsilon as f32 }
    }
}

impl Rule for Adagrad {
    #[inline(always)]
    fn element(&self, value: f32, gradient: f32, decay: f32, [sum, _]: [f32; 2]) -> Update {
        let gradient = gradient + decay * value;
        let sum = sum + gradient * gradient;
        Update { value: value - self.learning_rate * gradient / (sum.sqrt() + self.epsilon), slots: [sum, 0.0] }
    }
}
