//! Batch norm with the operations that follow, as one layer: the normalised values are never stored, and an activation or a sum
//! needs no pass over memory of its own.

use keel_kernels::activation::Function;
use keel_kernels::normalization::batch::{self, BackwardSums};
use keel_kernels::normalization::records::ImageRows;
use keel_kernels::normalization::tail::{Extra, Hidden, Tail, TailGradient, TailInput, TailInputGradient, TailOutput};
use keel_kernels::pooling::PoolShape;
use keel_kernels::statistics::Limits;
use keel_kernels::{Scratch, bytes, elementwise};

use super::batch_norm::BatchNorm;
use crate::activations::Activation;
use crate::layers::window;
use crate::probe::{Measures, Probe};
use crate::{
    Backward, Division, Forward, Layer, Memory, MemoryRequest, Mode, ParameterSpec, Shape, SimdLevel, StateSpec,
};

/// `y = pool(f(batch_norm(x) + shortcut))`, where shortcut, activation and 2x2 max pooling are optional; shortcut and pooling
/// exclude each other. It has the parameters and the state of the norm.
#[derive(Clone, Debug)]
pub struct NormBlock {
    pub(in crate::layers) norm: BatchNorm,
    activation: Activation,
    pub(in crate::layers) tail: Tail,
}

impl NormBlock {
    /// Creates a block of the norm only.
    pub fn new(norm: BatchNorm) -> Self {
        let tail = Tail { function: Function::Identity, extra: Extra::None };
        NormBlock { norm, activation: Activation::Identity, tail }
    }

    /// Adds an activation, if there is none yet and it has no parameters. After a sum, its derivative must be computable from its
    /// output.
    pub fn with_activation(&self, activation: Activation) -> Option<Self> {
        let function = activation.function()?;
        let free = self.tail.function == Function::Identity && self.tail.windows().is_none();
        let suits = !self.tail.adds() || function.from_output();
        let tail = Tail { function, ..self.tail };
        (free && suits).then(|| NormBlock { activation, tail, norm: self.norm.clone() })
    }

    /// Adds a second input, if nothing follows the norm yet.
    pub fn with_sum(&self) -> Option<Self> {
        let free = self.tail.function == Function::Identity && matches!(self.tail.extra, Extra::None);
        free.then(|| NormBlock { tail: Tail { extra: Extra::Shortcut, ..self.tail }, ..self.clone() })
    }

    /// Adds max pooling, if its windows are 2x2 and adjacent.
    pub fn with_pooling(&self, windows: &PoolShape) -> Option<Self> {
        let free = windows.is_pairs() && matches!(self.tail.extra, Extra::None);
        free.then(|| NormBlock { tail: Tail { extra: Extra::Pooling(*windows), ..self.tail }, ..self.clone() })
    }

    /// Returns true if it adds a second input.
    pub fn adds(&self) -> bool {
        self.tail.adds()
    }

    /// Returns the number of floats saved for backward in addition to the input, for `images` samples.
    pub(in crate::layers) fn saved_length(&self, images: usize) -> usize {
        batch::STATISTICS * self.norm.channels() + bytes::floats_for(self.tail.places_length(images))
    }

    /// Returns the number of floats of the scratch buffer for the sums over `images` samples.
    pub(in crate::layers) fn records_length(&self, images: usize) -> usize {
        let (rows, row_length) = (self.norm.output_shape().positions(), self.norm.channels());
        self.tail.records_length(ImageRows { images, rows, row_length })
    }

    /// Runs the first half of backward: sums up the gradient, writes the gradients of the norm's parameters and fills both tables.
    /// Leaves the gradient of the shortcut in `grad_output`; returns the operands of the second half. `records` is a scratch buffer
    /// of [`NormBlock::records_length`] floats.
    pub(in crate::layers) fn sum_gradient<'a>(
        &self,
        sums: GradientSums<'a>,
        tables: GradientTables<'a>,
        records: &mut [f32],
    ) -> TailInputGradient<'a> {
        let GradientSums { simd, grad_output, x, output, saved, parameters, grad_parameters, division } = sums;
        let GradientTables { forward, backward } = tables;
        let channels = self.norm.channels();
        let (statistics, places) = saved.split_at(batch::STATISTICS * channels);
        let affine = self.norm.affine(parameters);
        batch::forward_table(statistics, affine, forward);
        let read = TailGradient { simd, x, y: output, places: bytes::of(places), table: forward };
        let length = self.tail.gradient_sums(grad_output, read, records);
        let rows = x.len() / channels;
        let sums = BackwardSums { records: &records[..length], rows, whole: &[], statistics, scale: affine.scale };
        self.norm.finish_gradient(sums, division, grad_parameters, backward);
        TailInputGradient { read, dy: grad_output, backward }
    }

    /// Computes the tail from the norm's input and the shortcut. A `probe` gets the statistics of an activation that pooling hides:
    /// that of the last layer but one.
    pub(in crate::layers) fn forward_tail(
        &self,
        input: TailInput<'_>,
        output: TailOutput<'_>,
        probe: Option<&mut Probe>,
    ) {
        let hides = self.tail.windows().is_some() && self.activation != Activation::Identity;
        let slots = probe.filter(|_| hides).and_then(|probe| probe.layers.iter_mut().rev().nth(1));
        let Some(slots) = slots.filter(|slots| slots.units.units() == self.norm.channels()) else {
            return self.tail.forward(input, output);
        };
        let limits = self.activation.saturation().map(|range| Limits { low: range.low, high: range.high });
        let hidden =
            Hidden { units: &mut slots.units, limits: limits.unwrap_or(Limits::NONE), parts: &mut slots.parts };
        slots.output = Some(self.tail.forward_measured(input, output, hidden));
    }

    /// Returns the text of the tail in descriptions: `, relu, max pool 2x2`.
    pub(in crate::layers) fn describe_tail(&self) -> String {
        let mut text = String::new();
        if self.tail.adds() {
            text += ", + shortcut";
        }
        if self.activation != Activation::Identity {
            text += &format!(", {}", self.activation.name());
        }
        if let Some(windows) = self.tail.windows() {
            text += &format!(", max {}", window::describe_pool(windows));
        }
        text
    }
}

/// Operands and results of [`NormBlock::sum_gradient`].
pub(in crate::layers) struct GradientSums<'a> {
    pub(in crate::layers) simd: SimdLevel,
    pub(in crate::layers) grad_output: &'a mut [f32],
    /// Input of the norm.
    pub(in crate::layers) x: &'a [f32],
    /// Output of the block; read only if it adds a shortcut.
    pub(in crate::layers) output: &'a [f32],
    /// Saved statistics and positions.
    pub(in crate::layers) saved: &'a [f32],
    /// Parameters of the norm.
    pub(in crate::layers) parameters: &'a [f32],
    /// Gradients of the parameters of the norm.
    pub(in crate::layers) grad_parameters: &'a mut [f32],
    /// Part of the batch, if it is divided.
    pub(in crate::layers) division: Option<Division<'a>>,
}

/// Tables that [`NormBlock::sum_gradient`] fills.
pub(in crate::layers) struct GradientTables<'a> {
    /// Table that the norm applied, `[FORWARD_TABLE, channels]`.
    pub(in crate::layers) forward: &'a mut [f32],
    /// Table that the second half applies, `[BACKWARD_TABLE, channels]`.
    pub(in crate::layers) backward: &'a mut [f32],
}

impl Layer for NormBlock {
    fn kind(&self) -> &'static str {
        "norm_block"
    }

    fn output_shape(&self) -> Shape {
        self.tail.windows().map_or(self.norm.output_shape(), window::pool_output)
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        self.norm.parameters()
    }

    fn state(&self) -> Vec<StateSpec> {
        self.norm.state()
    }

    fn memory(&self, request: MemoryRequest, _simd: SimdLevel) -> Memory {
        let (channels, records) = (self.norm.channels(), self.records_length(request.batch));
        Memory {
            saved: if request.mode == Mode::Train { self.saved_length(request.batch) } else { 0 },
            forward_scratch: batch::FORWARD_TABLE * channels + records,
            backward_scratch: (batch::FORWARD_TABLE + batch::BACKWARD_TABLE) * channels + records,
            backward_reads_input: true,
            backward_reads_output: self.tail.adds(),
            passes_gradient: self.tail.adds(),
            ..Memory::default()
        }
    }

    fn forward(&self, mut context: Forward<'_>) {
        let scratch = std::mem::take(&mut context.scratch);
        let (table, records) = scratch.split_at_mut(batch::FORWARD_TABLE * self.norm.channels());
        self.norm.prepare(&mut context, table, Scratch(records));
        let places = match context.mode {
            Mode::Train => bytes::of_mut(&mut context.saved[batch::STATISTICS * self.norm.channels()..]),
            Mode::Evaluate => &mut [],
        };
        let [x, shortcut] = context.inputs;
        let probe = context.probe.filter(|_| context.mode == Mode::Train);
        let input = TailInput { simd: context.simd, x, shortcut, table };
        self.forward_tail(input, TailOutput { y: context.output, places }, probe);
    }

    fn backward(&self, context: Backward<'_>) {
        let channels = self.norm.channels();
        let (forward, rest) = context.scratch.split_at_mut(batch::FORWARD_TABLE * channels);
        let (backward, records) = rest.split_at_mut(batch::BACKWARD_TABLE * channels);
        let sums = GradientSums {
            simd: context.simd,
            grad_output: context.grad_output,
            x: context.inputs[0],
            output: context.output,
            saved: context.saved,
            parameters: context.parameters,
            grad_parameters: context.grad_parameters,
            division: context.division,
        };
        let gradient = self.sum_gradient(sums, GradientTables { forward, backward }, records);
        let [grad_input, grad_shortcut] = context.grad_inputs;
        if !grad_shortcut.is_empty() {
            elementwise::copy(gradient.dy, grad_shortcut);
        }
        if !grad_input.is_empty() {
            self.tail.input_gradient(gradient, grad_input);
        }
    }

    fn describe(&self) -> String {
        self.norm.describe() + &self.describe_tail()
    }

    fn measures(&self) -> Measures {
        self.norm.measures()
    }
}
