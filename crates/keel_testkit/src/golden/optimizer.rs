//! Parameter values after each step of an optimizer.

use serde::Deserialize;

/// One optimizer on one small vector with given gradients.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerCase {
    /// Name, unique in its file.
    pub name: String,
    /// Optimizer in the syntax of the config file, for example `{"type": "sgd", "learning_rate": 0.1}`.
    pub optimizer: serde_json::Value,
    /// Values before the first step. Weight decay applies to all of them.
    pub initial: Vec<f32>,
    /// One gradient per step, each as long as `initial`.
    pub gradients: Vec<Vec<f32>>,
    /// Values after each step.
    pub after: Vec<Vec<f32>>,
}
