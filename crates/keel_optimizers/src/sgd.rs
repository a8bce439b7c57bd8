//! Stochastic gradient descent with momentum, after Sutskever et al. 2013 in the form that frameworks use.

use keel_nn::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;
use super::definition::{CommonSettings, OptimizerDefinition, StepSettings};
use super::element_wise::{Rule, Update};
use super::kinds::Rules;
use super::parameter_pass::ParameterPass;

/// Stochastic gradient descent: `v = momentum v + g`, `w -= learning_rate v` (Nesterov: `g + momentum v` instead of `v`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate; scaled by the schedule.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Fraction of the previous update that is added to the next; 0 is plain gradient descent.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub momentum: f64,
    /// Uses Nesterov momentum, which looks ahead along the momentum.
    pub nesterov: bool,
    /// Weight decay: fraction of each weight added to its gradient; not applied to norms and biases.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Learning rate of biases, relative to that of weights.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub bias_learning_rate_factor: f64,
    /// Learning rate of the shifts of norms, relative to that of weights.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub shift_learning_rate_factor: f64,
    /// Maximum norm of the whole gradient, which is scaled down to it if it is longer; 0 = off.
    #[schemars(range(min = 0.0))]
    pub clip_norm: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        SgdConfig {
            learning_rate: 0.05,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0005,
            bias_learning_rate_factor: 1.0,
            shift_learning_rate_factor: 1.0,
            clip_norm: 0.0,
        }
    }
}

impl SgdConfig {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "sgd",
        summary: "Stochastic gradient descent with momentum, plain or Nesterov; the usual choice for images",
    };
}

impl OptimizerDefinition for SgdConfig {
    fn common(&self) -> CommonSettings {
        let SgdConfig { learning_rate, weight_decay, clip_norm, .. } = *self;
        CommonSettings { learning_rate, weight_decay, clip_norm }
    }

    fn with_common(&self, common: CommonSettings) -> OptimizerConfig {
        let CommonSettings { learning_rate, weight_decay, clip_norm } = common;
        OptimizerConfig::Sgd(SgdConfig { learning_rate, weight_decay, clip_norm, ..self.clone() })
    }

    fn slot_names(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum"] }
    }

    fn update(&self, step: StepSettings, pass: ParameterPass<'_>) {
        let faster = |factor: f64| Sgd::new(self, step.learning_rate * factor);
        pass.run(&Rules {
            biases: faster(self.bias_learning_rate_factor),
            shifts: faster(self.shift_learning_rate_factor),
            others: faster(1.0),
        });
    }
}

/// Settings of one step, rounded once.
struct Sgd {
    learning_rate: f32,
    momentum: f32,
    /// Weights of the velocity and of the gradient in the update.
    velocity_share: f32,
    gradient_share: f32,
}

impl Sgd {
    fn new(config: &SgdConfig, learning_rate: f64) -> Self {
        let momentum = config.momentum as f32;
        let (velocity_share, gradient_share) = match (config.nesterov, config.momentum == 0.0) {
            (_, true) => (0.0, 1.0),
            (true, false) => (momentum, 1.0),
            (false, false) => (1.0, 0.0),
        };
        Sgd { learning_rate: learning_rate as f32, momentum, velocity_share, gradient_share }
    }
}

impl Rule for Sgd {
    #[inline(always)]
    fn element(&self, value: f32, gradient: f32, decay: f32, [velocity, _]: [f32; 2]) -> Update {
        let gradient = gradient + decay * value;
        let velocity = self.momentum * velocity + gradient;
        let step = self.velocity_share * velocity + self.gradient_share * gradient;
        Update { value: value - self.learning_rate * step, slots: [velocity, 0.0] }
    }
}
