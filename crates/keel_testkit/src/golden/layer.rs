//! Values and gradients of a layer.

use serde::Deserialize;

use super::{NamedTensors, Tensor};

/// One layer with one input shape: its parameters and one or more passes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenCase {
    /// Name, unique in its file.
    pub name: String,
    /// Layer in the syntax of the config file, for example `{"type": "linear", "out_features": 3}`.
    pub layer: serde_json::Value,
    /// Number of samples.
    pub batch: usize,
    /// Shape of one sample: `[height, width, channels]` or `[features]`.
    pub input_shape: Vec<usize>,
    /// Shape of one sample of the output.
    pub output_shape: Vec<usize>,
    /// Parameters, the same for every pass.
    #[serde(default)]
    pub parameters: NamedTensors,
    /// State before the first pass: running statistics. Empty for layers without state.
    #[serde(default)]
    pub state: NamedTensors,
    /// Passes in order; state carries over from one to the next. Layers without state have exactly one.
    pub passes: Vec<Pass>,
}

/// Mode of a layer: training or evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Uses batch statistics and updates running statistics.
    Train,
    /// Uses running statistics without updating them.
    Evaluate,
}

/// One forward pass, and in training its backward pass.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Training or evaluation.
    pub mode: Mode,
    /// `[batch, ..input_shape]`.
    pub input: Tensor,
    /// `[batch, ..output_shape]`.
    pub output: Tensor,
    /// Gradient of the loss with respect to the output, passed to the backward pass; `None` in evaluation.
    pub grad_output: Option<Tensor>,
    /// Gradient with respect to the input.
    pub grad_input: Option<Tensor>,
    /// Gradients of the parameters by name, of this pass only.
    #[serde(default)]
    pub grad_parameters: NamedTensors,
    /// State after the pass.
    #[serde(default)]
    pub state: NamedTensors,
}
