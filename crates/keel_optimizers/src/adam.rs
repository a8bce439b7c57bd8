//! Adam, after Kingma & Ba 2015, algorithm 1.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;
use super::definition::{CommonSettings, OptimizerDefinition, StepSettings};
use super::element_wise::{Rule, Update};
use super::kinds::Rules;
use super::parameter_pass::ParameterPass;

/// Adam: divides the average gradient by the square root of the average squared gradient, both corrected for their start at zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Learning rate; scaled by the schedule.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Decay rate of the average gradient.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta1: f64,
    /// Decay rate of the average squared gradient.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta2: f64,
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

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { learning_rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: 0.0 }
    }
}

impl AdamConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "adam",
        summary: "Steps scaled by running averages of the gradient and its square; works with little tuning",
    };
}

impl OptimizerDefinition for AdamConfig {
    fn common(&self) -> CommonSettings {
        let AdamConfig { learning_rate, weight_decay, clip_norm, .. } = *self;
        CommonSettings { learning_rate, weight_decay, clip_norm }
    }

    fn with_common(&self, common: CommonSettings) -> OptimizerConfig {
        let CommonSettings { learning_rate, weight_decay, clip_norm } = common;
        OptimizerConfig::Adam(AdamConfig { learning_rate, weight_decay, clip_norm, ..self.clone() })
    }

    fn slot_names(&self) -> &'static [&'static str] {
        &["mean", "square"]
    }

    fn update(&self, step: StepSettings, pass: ParameterPass<'_>) {
        pass.run(&Rules::same(Adam::new(self, step)));
    }
}

/// Settings of one step, rounded once; bias corrections are computed in f64.
#[derive(Clone)]
struct Adam {
    step_size: f32,
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    root_correction: f32,
    epsilon: f32,
}

impl Adam {
    fn new(config: &AdamConfig, StepSettings { learning_rate, step }: StepSettings) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        Adam {
            step_size: (learning_rate / correction(config.beta1)) as f32,
            beta1: config.beta1 as f32,
            one_minus_beta1: (1.0 - config.beta1) as f32,
            beta2: config.beta2 as f32,
            one_minus_beta2: (1.0 - config.beta2) as f32,
            root_correction: (1.0 / correction(config.beta2).sqrt()) as f32,
            epsilon: config.epsilon as f32,
        }
    }
}

impl Rule for Adam {
    #[inline(always)]
    fn element(&self, value: f32, gradient: f32, decay: f32, [mean, square]: [f32; 2]) -> Update {
        let gradient = gradient + decay * value;
        let mean = self.beta1 * mean + self.one_minus_beta1 * gradient;
        let square = self.beta2 * square + self.one_minus_beta2 * gradient * gradient;
        let denominator = square.sqrt() * self.root_correction + self.epsilon;
        Update { value: value - self.step_size * mean / denominator, slots: [mean, square] }
    }
}
