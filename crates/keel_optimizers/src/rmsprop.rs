//! RMSprop, after Tieleman & Hinton 2012, lecture 6.5.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;
use super::definition::{CommonSettings, OptimizerDefinition, StepSettings};
use super::element_wise::{Rule, Update};
use super::kinds::Rules;
use super::parameter_pass::ParameterPass;

/// RMSprop: divides the gradient by the square root of the average squared gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmspropConfig {
    /// Learning rate; scaled by the schedule.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Decay rate of the average squared gradient.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub decay: f64,
    /// Added to the square root of the average, so that the divisor is never zero.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f64,
    /// Weight decay: fraction of each weight added to its gradient; not applied to norms and biases.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Maximum norm of the whole gradient, which is scaled down to it if it is longer; 0 = off.
    #[schemars(range(min = 0.0))]
    pub clip_norm: f64,
}

impl Default for RmspropConfig {
    fn default() -> Self {
        RmspropConfig { learning_rate: 0.01, decay: 0.99, epsilon: 1e-8, weight_decay: 0.0, clip_norm: 0.0 }
    }
}

impl RmspropConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "rmsprop",
        summary: "Gradient divided by the square root of a running average of its square",
    };
}

impl OptimizerDefinition for RmspropConfig {
    fn common(&self) -> CommonSettings {
        let RmspropConfig { learning_rate, weight_decay, clip_norm, .. } = *self;
        CommonSettings { learning_rate, weight_decay, clip_norm }
    }

    fn with_common(&self, common: CommonSettings) -> OptimizerConfig {
        let CommonSettings { learning_rate, weight_decay, clip_norm } = common;
        OptimizerConfig::Rmsprop(RmspropConfig { learning_rate, weight_decay, clip_norm, ..self.clone() })
    }

    fn slot_names(&self) -> &'static [&'static str] {
        &["square"]
    }

    fn update(&self, step: StepSettings, pass: ParameterPass<'_>) {
        pass.run(&Rules::same(Rmsprop::new(self, step.learning_rate)));
    }
}

/// Settings of one step, rounded once.
#[derive(Clone)]
struct Rmsprop {
    learning_rate: f32,
    decay: f32,
    one_minus_decay: f32,
    epsilon: f32,
}

impl Rmsprop {
    fn new(config: &RmspropConfig, learning_rate: f64) -> Self {
        Rmsprop {
            learning_rate: learning_rate as f32,
            decay: config.decay as f32,
            one_minus_decay: (1.0 - config.decay) as f32,
            epsilon: config.epsilon as f32,
        }
    }
}

impl Rule for Rmsprop {
    #[inline(always)]
    fn element(&self, value: f32, gradient: f32, decay: f32, [square, _]: [f32; 2]) -> Update {
        let gradient = gradient + decay * value;
        let square = self.decay * square + self.one_minus_decay * gradient * gradient;
        Update { value: value - self.learning_rate * gradient / (square.sqrt() + self.epsilon), slots: [square, 0.0] }
    }
}
