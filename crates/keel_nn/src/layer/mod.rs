//! Layers: a forward and a backward function over slices, with every size known before the first step.
//!
//! A layer is built for one input shape and is immutable: parameters, gradients, running statistics and intermediate results are in
//! buffers laid out by the plan, and are passed as slices.

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
    /// Returns the layer's name in config files: `conv2d`, `batch_norm`, ….
    fn kind(&self) -> &'static str;

    /// Returns the shape of one output sample.
    fn output_shape(&self) -> Shape;

    /// Returns the learned parameters, in the order of [`Forward::parameters`], without gaps.
    fn parameters(&self) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Returns the values kept between steps that have no gradient (running statistics), in the order of [`Forward::state`].
    fn state(&self) -> Vec<StateSpec> {
        Vec::new()
    }

    /// Returns the memory that the layer needs in addition to inputs and output, for calls at the SIMD level `simd`.
    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        let _ = (request, simd);
        Memory::default()
    }

    /// Computes `output` from `inputs`.
    fn forward(&self, context: Forward<'_>);

    /// Computes `grad_inputs` and `grad_parameters` from `grad_output`; both are overwritten, not accumulated. A slice of
    /// `grad_inputs` is empty if it is not needed.
    fn backward(&self, context: Backward<'_>);

    /// Returns the text that tables show for this layer, e.g. `3x3, 32 -> 64, stride 1, padding 1`.
    fn describe(&self) -> String {
        String::new()
    }

    /// Returns the number of multiply-adds of the forward pass for one sample; backward costs about twice as much.
    fn multiply_adds(&self) -> u64 {
        0
    }

    /// Returns true if the output is the input with another shape: then both share memory and neither function is called.
    fn is_view(&self) -> bool {
        false
    }

    /// Returns the epochs in which training changes the parameters of a role.
    fn trained(&self, role: ParameterRole) -> Trained {
        let _ = role;
        Trained::Always
    }

    /// Returns the slots of its [`Probe`](crate::Probe) that the layer fills itself in training.
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

/// Sizes of the passes that memory is planned for. The SIMD level is that of the program.
#[derive(Clone, Copy, Debug)]
pub struct MemoryRequest {
    /// Maximum batch size.
    pub batch: usize,
    /// Mode of the plan.
    pub mode: Mode,
    /// Number of threads that will run it; per-thread scratch buffers are multiplied by it.
    pub workers: usize,
}

/// Memory that a layer needs in addition to inputs and output; sizes in floats, even for bytes ([`keel_kernels::bytes`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Kept from forward to backward.
    pub saved: usize,
    /// Used during forward only.
    pub forward_scratch: usize,
    /// Used during backward only.
    pub backward_scratch: usize,
    /// True if backward reads the first input.
    pub backward_reads_input: bool,
    /// True if backward reads the output.
    pub backward_reads_output: bool,
    /// True if backward leaves the gradient of the second input in `grad_output`: if that gradient has not been written before, it
    /// stays there and the second of `grad_inputs` is empty.
    pub passes_gradient: bool,
    /// True if backward supports [`Backward::accumulate`].
    pub accumulates: bool,
}

/// Values that a layer keeps between steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSpec {
    /// Name: `running_mean`, `running_variance` or `updates`.
    pub name: &'static str,
    /// Number of floats.
    pub len: usize,
    /// Initial value of each float.
    pub initial: f32,
}
