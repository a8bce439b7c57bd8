//! Layers: a forward and a backward function over slices, with every size known before the first step.
//!
//! A layer is built for one input shape and holds no numbers that change: parameters, gradients, running statistics
//! and intermediate results live in buffers the plan laid out, and arrive as slices.

mod backward;
mod batch_shares;
mod forward;
mod trained;

use std::fmt;

use keel_kernels::SimdLevel;

pub use backward::Backward;
pub use batch_shares::{BatchPart, BatchShares, Division};
pub use forward::Forward;
pub use trained::Trained;

pub use crate::init::{ParameterRole, ParameterSpec};

use crate::Shape;
use crate::probe::Measures;

/// One operation of a network, forward and backward.
///
/// ```
/// use keel_nn::{Backward, Forward, Layer, Shape};
///
/// /// Multiplies every value by a constant.
/// #[derive(Debug)]
/// struct Scale(f32, Shape);
///
/// impl Layer for Scale {
///     fn kind(&self) -> &'static str {
///         "scale"
///     }
///     fn output_shape(&self) -> Shape {
///         self.1
///     }
///     fn forward(&self, context: Forward<'_>) {
///         for (output, input) in context.output.iter_mut().zip(context.inputs[0]) {
///             *output = self.0 * input;
///         }
///     }
///     fn backward(&self, context: Backward<'_>) {
///         let [grad_input, _] = context.grad_inputs;
///         for (grad_input, grad_output) in grad_input.iter_mut().zip(context.grad_output.iter()) {
///             *grad_input = self.0 * grad_output;
///         }
///     }
/// }
/// ```
pub trait Layer: Send + Sync + fmt::Debug {
    /// The layer's name in config files: `conv2d`, `batch_norm`, ….
    fn kind(&self) -> &'static str;

    /// Shape of one output sample.
    fn output_shape(&self) -> Shape;

    /// The learned parameters, in the order they lie in [`Forward::parameters`], without gaps.
    fn parameters(&self) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Numbers kept between steps that no gradient reaches (running statistics), in the order of [`Forward::state`].
    fn state(&self) -> Vec<StateSpec> {
        Vec::new()
    }

    /// Memory wanted beside input and output, for calls at the SIMD level `simd`.
    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        let _ = (request, simd);
        Memory::default()
    }

    /// Computes `output` from `inputs`.
    fn forward(&self, context: Forward<'_>);

    /// Computes `grad_inputs` and `grad_parameters` from `grad_output`; both are overwritten, not added to.
    /// A `grad_inputs` slice is empty when nobody needs it.
    fn backward(&self, context: Backward<'_>);

    /// Returns the text of tables about this layer, e.g. `3x3, 32 -> 64, stride 1, padding 1`.
    fn describe(&self) -> String {
        String::new()
    }

    /// Multiply-adds of the forward pass for one sample; backward costs about twice as much.
    fn multiply_adds(&self) -> u64 {
        0
    }

    /// Returns true if the output is the input with another shape: then the two share memory and neither function is called.
    fn is_view(&self) -> bool {
        false
    }

    /// Returns the epochs in which training changes the parameters of a role.
    fn trained(&self, role: ParameterRole) -> Trained {
        let _ = role;
        Trained::Always
    }

    /// Slots of its [`Probe`](crate::Probe) that the layer fills by itself in training.
    fn measures(&self) -> Measures {
        Measures::default()
    }
}

/// Training or evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Batch statistics, dropout, running statistics updated.
    Train,
    /// Running statistics, no dropout.
    Evaluate,
}

/// Size of the runs that memory is planned for. The SIMD level is the program's own.
#[derive(Clone, Copy, Debug)]
pub struct MemoryRequest {
    /// Largest batch of the plan.
    pub batch: usize,
    /// Purpose of the plan.
    pub mode: Mode,
    /// Threads that will run it: scratch per thread times this.
    pub workers: usize,
}

/// Memory a layer wants beside input and output; sizes in floats, also where it keeps bytes
/// ([`keel_kernels::bytes`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Kept from forward to backward.
    pub saved: usize,
    /// Used during forward only.
    pub forward_scratch: usize,
    /// Used during backward only.
    pub backward_scratch: usize,
    /// True if backward wants the first input again.
    pub backward_reads_input: bool,
    /// True if backward wants the output again.
    pub backward_reads_output: bool,
    /// True if backward leaves the gradient of the second input in `grad_output`: where nobody has written that gradient
    /// before, it stays there and the second of `grad_inputs` is empty.
    pub passes_gradient: bool,
    /// True if backward heeds [`Backward::accumulate`].
    pub accumulates: bool,
}

/// Numbers a layer keeps between steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSpec {
    /// `running_mean`, `running_variance`, `updates`.
    pub name: &'static str,
    /// Floats.
    pub len: usize,
    /// Value of each before training.
    pub initial: f32,
}
