//! First losses of a training run whose weights, inputs and labels follow from a formula.

use serde::Deserialize;

/// One network trained for a few steps on consecutive batches.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveCase {
    /// Name, unique in its file.
    pub name: String,
    /// Layers in the syntax of the config file.
    pub layers: serde_json::Value,
    /// Optimizer in the syntax of the config file; weight decay applies to parameters with `decayed`.
    pub optimizer: serde_json::Value,
    /// The batches.
    pub input: CurveInput,
    /// Parameters in layer order; inside a residual block, those of the body come before those of the shortcut.
    pub parameters: Vec<CurveParameter>,
    /// Cross-entropy of the batch before each step.
    pub losses: Vec<f64>,
    /// Largest relative difference between the float64 losses above and the same run in float32.
    pub float32_difference: f64,
}

/// Formula of the batches. Batch `step` has inputs `deterministic_values(seed + 2 * step, …)` and labels
/// `deterministic_labels(seed + 2 * step + 1, …)`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveInput {
    /// Number of samples.
    pub batch: usize,
    /// Shape of one sample, `[height, width, channels]`.
    pub shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Seed of the first batch.
    pub seed: u64,
    /// Number of distinct batches; step `t` uses batch `t % batches`.
    pub batches: usize,
    /// Inputs lie in `[-limit, limit)`.
    pub limit: f32,
}

/// One parameter and the formula of its initial values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveParameter {
    /// Position and name, for example `layer3.weight` or `layer3.body.0.weight`.
    pub name: String,
    /// Shape in the layout of this project.
    pub shape: Vec<usize>,
    /// True if weight decay applies to it.
    pub decayed: bool,
    /// Seed of `deterministic_values(seed, len, -limit, limit)`; `None` for a constant.
    pub seed: Option<u64>,
    /// Limit of the uniform values, as f32.
    pub limit: Option<f32>,
    /// Constant value, if there is no seed.
    pub constant: Option<f32>,
}

impl CurveParameter {
    /// Returns the initial values in row-major order.
    pub fn initial_values(&self) -> Vec<f32> {
        let len = self.shape.iter().product();
        match (self.seed, self.limit) {
            (Some(seed), Some(limit)) => crate::deterministic_values(seed, len, -limit, limit),
            _ => vec![self.constant.unwrap_or(0.0); len],
        }
    }
}

impl CurveInput {
    /// Returns inputs `[batch, ..shape]` and labels `[batch]` of a step.
    pub fn batch_of(&self, step: usize) -> (Vec<f32>, Vec<usize>) {
        let seed = self.seed + 2 * (step % self.batches) as u64;
        let len = self.batch * self.shape.iter().product::<usize>();
        let inputs = crate::deterministic_values(seed, len, -self.limit, self.limit);
        (inputs, crate::deterministic_labels(seed + 1, self.batch, self.classes))
    }
}
