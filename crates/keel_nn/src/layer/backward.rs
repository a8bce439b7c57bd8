//! One call of a layer's backward function.

use keel_kernels::{SimdLevel, simd};

use super::Division;
#[cfg(doc)]
use super::Memory;
use crate::probe::Probe;
use crate::random::RandomKey;

/// Operands and results of [`Layer::backward`](crate::Layer::backward).
///
/// An executor fills all fields. A program that calls a layer directly sets the fields that the layer uses; the rest is empty.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backward<'a> {
    /// Number of samples.
    pub batch: usize,
    /// SIMD level to compute at; the same that was passed to [`Layer::memory`](crate::Layer::memory).
    pub simd: SimdLevel,
    /// The first input of the forward call; empty unless [`Memory::backward_reads_input`]. The second is always empty.
    pub inputs: [&'a [f32]; 2],
    /// The output of the forward call; empty unless [`Memory::backward_reads_output`].
    pub output: &'a [f32],
    /// Gradient of the loss with respect to the output; may be used as a scratch buffer.
    pub grad_output: &'a mut [f32],
    /// Gradient of the loss with respect to each input, to be overwritten; empty if it is not needed.
    pub grad_inputs: [&'a mut [f32]; 2],
    /// True if the gradient is added to the first of `grad_inputs` instead; only with [`Memory::accumulates`].
    pub accumulate: bool,
    /// Parameters of this layer.
    pub parameters: &'a [f32],
    /// Gradient of the loss with respect to each parameter, to be overwritten, laid out like `parameters`.
    pub grad_parameters: &'a mut [f32],
    /// State of this layer.
    pub state: &'a [f32],
    /// Values that the forward call saved.
    pub saved: &'a mut [f32],
    /// Scratch buffer for this call.
    pub scratch: &'a mut [f32],
    /// Random key of the forward call.
    pub random: RandomKey,
    /// Part of the batch that these samples are, if the batch is divided among replicas.
    pub division: Option<Division<'a>>,
    /// Slots for statistics of the gradients, if they are requested.
    pub probe: Option<&'a mut Probe>,
}

impl<'a> Backward<'a> {
    /// Creates a call at the default SIMD level for `batch` samples with the gradient of the loss with respect to the output,
    /// `[batch, ...]`; everything else is empty.
    pub fn new(batch: usize, grad_output: &'a mut [f32]) -> Self {
        Backward {
            batch,
            simd: simd::level(),
            inputs: [&[], &[]],
            output: &[],
            grad_output,
            grad_inputs: [&mut [], &mut []],
            accumulate: false,
            parameters: &[],
            grad_parameters: &mut [],
            state: &[],
            saved: &mut [],
            scratch: &mut [],
            random: RandomKey::new(0),
            division: None,
            probe: None,
        }
    }

    /// Sets [`Backward::simd`].
    pub fn with_simd(mut self, simd: SimdLevel) -> Self {
        self.simd = simd;
        self
    }

    /// Sets the first of [`Backward::inputs`], `[batch, ...]`: the first input of the forward call.
    pub fn with_input(mut self, input: &'a [f32]) -> Self {
        self.inputs[0] = input;
        self
    }

    /// Sets [`Backward::output`], `[batch, ...]`: the output of the forward call.
    pub fn with_output(mut self, output: &'a [f32]) -> Self {
        self.output = output;
        self
    }

    /// Sets the first of [`Backward::grad_inputs`], `[batch, ...]`.
    pub fn with_grad_input(mut self, grad_input: &'a mut [f32]) -> Self {
        self.grad_inputs[0] = grad_input;
        self
    }

    /// Sets the second of [`Backward::grad_inputs`], `[batch, ...]`.
    pub fn with_second_grad_input(mut self, grad_input: &'a mut [f32]) -> Self {
        self.grad_inputs[1] = grad_input;
        self
    }

    /// Sets [`Backward::accumulate`].
    pub fn with_accumulate(mut self, accumulate: bool) -> Self {
        self.accumulate = accumulate;
        self
    }

    /// Sets [`Backward::parameters`], in the order of [`Layer::parameters`](crate::Layer::parameters).
    pub fn with_parameters(mut self, parameters: &'a [f32]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets [`Backward::grad_parameters`], laid out like the parameters.
    pub fn with_grad_parameters(mut self, grad_parameters: &'a mut [f32]) -> Self {
        self.grad_parameters = grad_parameters;
        self
    }

    /// Sets [`Backward::state`], in the order of [`Layer::state`](crate::Layer::state).
    pub fn with_state(mut self, state: &'a [f32]) -> Self {
        self.state = state;
        self
    }

    /// Sets [`Backward::saved`]: the values that the forward call saved.
    pub fn with_saved(mut self, saved: &'a mut [f32]) -> Self {
        self.saved = saved;
        self
    }

    /// Sets [`Backward::scratch`], of [`Memory::backward_scratch`] floats.
    pub fn with_scratch(mut self, scratch: &'a mut [f32]) -> Self {
        self.scratch = scratch;
        self
    }

    /// Sets [`Backward::random`]: the random key of the forward call.
    pub fn with_random(mut self, random: RandomKey) -> Self {
        self.random = random;
        self
    }

    /// Sets [`Backward::division`].
    pub fn with_division(mut self, division: Option<Division<'a>>) -> Self {
        self.division = division;
        self
    }

    /// Sets [`Backward::probe`].
    pub fn with_probe(mut self, probe: Option<&'a mut Probe>) -> Self {
        self.probe = probe;
        self
    }
}
