//! The learning rate at each step.

use serde::Deserialize;

/// One schedule over a whole training.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCase {
    /// Unique in its file.
    pub name: String,
    /// The schedule as the config file writes it, for example `{"type": "cosine"}`.
    pub schedule: serde_json::Value,
    /// The optimizer's learning rate; the highest one of `one_cycle`.
    pub learning_rate: f64,
    /// Number of steps of the training.
    pub total_steps: usize,
    /// The learning rate used by step 0, 1, ….
    pub learning_rates: Vec<f64>,
}
