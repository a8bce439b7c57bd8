//! Value and gradient of a loss function.

use serde::Deserialize;

use super::Tensor;

/// One loss on one batch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossCase {
    /// Name, unique in its file.
    pub name: String,
    /// Loss in the syntax of the config file, for example `{"type": "cross_entropy", "label_smoothing": 0.1}`.
    pub loss: serde_json::Value,
    /// Logits or predictions, `[batch, outputs]`.
    pub predictions: Tensor,
    /// Values the predictions are compared with.
    pub targets: Targets,
    /// The loss.
    pub value: f64,
    /// Gradient with respect to the predictions, `[batch, outputs]`.
    pub grad_predictions: Tensor,
}

/// Targets of a loss.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// One class per sample, `[batch]`.
    Labels(Vec<usize>),
    /// One value per prediction, `[batch, outputs]`.
    Values(Tensor),
}
