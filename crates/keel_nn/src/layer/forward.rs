//! One call of a layer's forward function.

use keel_kernels::{SimdLevel, simd};

use super::{Division, Mode};
use crate::probe::Probe;
use crate::random::RandomKey;

/// Operands and results of [`Layer::forward`](crate::Layer::forward).
///
/// An executor fills all fields. A program that calls a layer directly sets the fields that the layer uses; the rest is empty:
///
/// ```
/// use keel_nn::layers::{LinearSpec, LayerSpec};
/// use keel_nn::{Forward, Layer, MemoryRequest, Mode, Shape, SimdLevel};
///
/// let op = LayerSpec::Linear(LinearSpec::new(1)).build(Shape::Features(2))?;
/// let (layer, simd) = (op.layer(), SimdLevel::Scalar);
/// let memory = layer.memory(MemoryRequest { batch: 1, mode: Mode::Train, workers: 1 }, simd);
/// let (mut output, mut scratch) = ([0.0], vec![0.0; memory.forward_scratch]);
/// let call = Forward::new(1, &[2.0, 3.0], &mut output).with_simd(simd).with_scratch(&mut scratch);
/// // Two weights and a bias: 2 * 10 + 3 * 1 + 0.5.
/// layer.forward(call.with_parameters(&[10.0, 1.0, 0.5]));
/// assert_eq!(output, [23.5]);
/// # Ok::<(), keel_nn::layers::BuildError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward<'a> {
    /// Number of samples; at most the batch size of the plan.
    pub batch: usize,
    /// Training or evaluation.
    pub mode: Mode,
    /// SIMD level to compute at; the same that was passed to [`Layer::memory`](crate::Layer::memory).
    pub simd: SimdLevel,
    /// One or two inputs, each `[batch, ...]`; the second is empty for layers with one input.
    pub inputs: [&'a [f32]; 2],
    /// Output, `[batch, ...]`; its previous contents are undefined.
    pub output: &'a mut [f32],
    /// Parameters of this layer.
    pub parameters: &'a [f32],
    /// State of this layer; changed in training mode only.
    pub state: &'a mut [f32],
    /// Buffer that is kept until the backward call of the same step.
    pub saved: &'a mut [f32],
    /// Scratch buffer for this call.
    pub scratch: &'a mut [f32],
    /// Key of this step's random numbers for this layer.
    pub random: RandomKey,
    /// Part of the batch that these samples are, if the batch is divided among replicas.
    pub division: Option<Division<'a>>,
    /// Slots for statistics of the values, if they are requested.
    pub probe: Option<&'a mut Probe>,
}

impl<'a> Forward<'a> {
    /// Creates a call in training mode, at the default SIMD level, for `batch` samples, from `input`, `[batch, ...]`, to `output`,
    /// `[batch, ...]`; everything else is empty.
    pub fn new(batch: usize, input: &'a [f32], output: &'a mut [f32]) -> Self {
        Forward {
            batch,
            mode: Mode::Train,
            simd: simd::level(),
            inputs: [input, &[]],
            output,
            parameters: &[],
            state: &mut [],
            saved: &mut [],
            scratch: &mut [],
            random: RandomKey::new(0),
            division: None,
            probe: None,
        }
    }

    /// Sets [`Forward::mode`].
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets [`Forward::simd`].
    pub fn with_simd(mut self, simd: SimdLevel) -> Self {
        self.simd = simd;
        self
    }

    /// Sets the second of [`Forward::inputs`], `[batch, ...]`.
    pub fn with_second_input(mut self, input: &'a [f32]) -> Self {
        self.inputs[1] = input;
        self
    }

    /// Sets [`Forward::parameters`], in the order of [`Layer::parameters`](crate::Layer::parameters).
    pub fn with_parameters(mut self, parameters: &'a [f32]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets [`Forward::state`], in the order of [`Layer::state`](crate::Layer::state).
    pub fn with_state(mut self, state: &'a mut [f32]) -> Self {
        self.state = state;
        self
    }

    /// Sets [`Forward::saved`], of [`Memory::saved`](crate::Memory::saved) floats.
    pub fn with_saved(mut self, saved: &'a mut [f32]) -> Self {
        self.saved = saved;
        self
    }

    /// Sets [`Forward::scratch`], of [`Memory::forward_scratch`](crate::Memory::forward_scratch) floats.
    pub fn with_scratch(mut self, scratch: &'a mut [f32]) -> Self {
        self.scratch = scratch;
        self
    }

    /// Sets [`Forward::random`].
    pub fn with_random(mut self, random: RandomKey) -> Self {
        self.random = random;
        self
    }

    /// Sets [`Forward::division`].
    pub fn with_division(mut self, division: Option<Division<'a>>) -> Self {
        self.division = division;
        self
    }

    /// Sets [`Forward::probe`].
    pub fn with_probe(mut self, probe: Option<&'a mut Probe>) -> Self {
        self.probe = probe;
        self
    }
}
