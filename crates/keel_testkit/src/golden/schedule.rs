//! Learning rate at each step.

use serde::Deserialize;

/// One schedule over a whole training run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCase {
    /// Name, unique in its file.
    pub name: String,
    /// Schedule in the syntax of the config file, for example `{"type": "cosine"}`.
    pub schedule: serde_json::Value,
    /// Learning rate of the optimizer; for `one_cycle`, the highest one.
    pub learning_rate: f64,
    /// Number of steps in the training run.
    pub total_steps: usize,
    /// Learning rate used by step 0, 1, ….
    pub learning_rates: Vec<f64>,
}
