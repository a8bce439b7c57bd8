//! Adagrad, after Duchi et al. 2011.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::element_wise::{Rule, Update};

/// Adagrad: the gradient over the root of the sum of all squared gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdagradConfig {
    /// Size of a step; schedules scale it.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Added to the root of the average, so that nothing is divided by zero.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f64,
    /// Share of each weight added to its gradient; norms and biases are exempt.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Longest allowed norm of the whole gradient, longer ones are scaled down to it; 0 is off.
    #[schemars(range(min = 0.0))]
    pub clip_norm: f64,
}

impl Default for AdagradConfig {
    fn default() -> Self {
        AdagradConfig { learning_rate: 0.01, epsilon: 1e-10, weight_decay: 0.0, clip_norm: 0.0 }
    }
}

/// One step's numbers, rounded once.
#[derive(Clone)]
pub(super) struct Adagrad {
    learning_rate: f32,
    epsilon: f32,
}

impl Adagrad {
    pub(super) fn new(config: &AdagradConfig, learning_rate: f64) -> Self {
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
