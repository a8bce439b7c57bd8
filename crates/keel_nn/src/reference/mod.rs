//! Every operation in f64, as plain loops: the definition that all faster versions are tested against, and the target that runs
//! whole graphs with these definitions ([`Reference`]).
//!
//! Each file contains the formula of one operation, its sizes, its forward pass and its backward pass, in this order, and shares no
//! arithmetic with the layers. The formula of an activation is in the file of the activation. Nothing here is fast, fused or
//! parallel. The backward pass keeps nothing from the forward pass: it recomputes what it needs from the same inputs.

mod activation;
mod add;
mod avg_pool;
mod axis;
mod batch_norm;
mod conv2d;
mod custom;
mod dropout;
mod flatten;
mod global_avg_pool;
mod linear;
pub mod losses;
mod max_pool;
mod maxout;
mod members;
mod moments;
mod program;
mod rescale;
mod sample_norm;

pub use custom::CustomDefinition;
pub use program::{Numbers, Pass, Reference, ReferenceProgram};

use crate::graph::Op;
use crate::{Mode, RandomKey};

/// One operation in f64, unfused.
pub trait Definition {
    /// Computes the output `[batch, ...]`. In training mode, running statistics in `call.state` are updated.
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64>;

    /// Computes the gradients with respect to the inputs and the parameters from the gradient with respect to the output,
    /// `[batch, ...]`. Reads the same values of `call` as forward.
    fn backward(&self, call: &Call<'_>, grad_output: &[f64]) -> Gradients;

    /// Returns the branch of the formula that each value comes from: the side of a kink, the index of a maximum. Between two points
    /// with the same branches the output is smooth. Empty for an operation without kinks, and for a custom one, whose kinks are
    /// unknown.
    fn branches(&self, _call: &Call<'_>) -> Vec<u32> {
        Vec::new()
    }
}

/// Values of one forward pass and the corresponding backward pass.
#[derive(Debug)]
pub struct Call<'a> {
    /// Number of samples.
    pub batch: usize,
    /// Mode of the pass.
    pub mode: Mode,
    /// One or two inputs, each `[batch, ...]`.
    pub inputs: Vec<&'a [f64]>,
    /// Parameters of the layer, in the order of [`Layer::parameters`](crate::Layer::parameters).
    pub parameters: &'a [f64],
    /// State of the layer, in the order of [`Layer::state`](crate::Layer::state).
    pub state: &'a mut [f64],
    /// Key of this step's random numbers for the layer.
    pub random: RandomKey,
}

/// Gradients of the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// Gradient with respect to each input, `[batch, ...]`.
    pub inputs: Vec<Vec<f64>>,
    /// Gradient with respect to the parameters, laid out like them.
    pub parameters: Vec<f64>,
}

/// Calls `take` with the definition of `op`.
pub fn with_definition<T>(op: &Op, take: impl FnOnce(&dyn Definition) -> T) -> T {
    match op {
        Op::Conv2d(layer) => take(layer),
        Op::Linear(layer) => take(layer),
        Op::Maxout(layer) => take(layer),
        Op::Members(layer) => take(layer),
        Op::BatchNorm(layer) => take(layer),
        Op::LayerNorm(layer) | Op::GroupNorm(layer) | Op::InstanceNorm(layer) => take(layer),
        Op::Activation(layer) => take(layer),
        Op::MaxPool(layer) => take(layer),
        Op::AvgPool(layer) => take(layer),
        Op::GlobalAvgPool(layer) => take(layer),
        Op::Flatten(layer) => take(layer),
        Op::Dropout(layer) => take(layer),
        Op::Rescale(layer) => take(layer),
        Op::Add(layer) => take(layer),
        Op::Custom(layer) => take(&CustomDefinition(layer.as_ref())),
    }
}
