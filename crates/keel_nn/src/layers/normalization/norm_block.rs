//! Batch norm with what follows it, as one layer: neither the normalised values nor an activation's or a sum's own pass
//! over memory exist.

use keel_kernels::activation::Function;
use keel_kernels::elementwise;
use keel_kernels::normalization::batch::{self, BackwardSums};
use keel_kernels::normalization::tail::{Extra, Hidden, Tail, TailGradient};
use keel_kernels::pooling::PoolShape;
use keel_kernels::statistics::Limits;

use super::batch_norm::BatchNorm;
use crate::activations::Activation;
use crate::layers::window;
use crate::probe::{Measures, Probe};
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, Mode, ParameterSpec, Shape, StateSpec};

/// `y = pool(f(batch_norm(x) + shortcut))`, where shortcut, activation and 2x2 max pooling may each be missing; shortcut
/// and pooling exclude each other. It has the parameters and the state of the norm.
#[derive(Clone, Debug)]
pub struct NormBlock {
    pub(in crate::layers) norm: BatchNorm,
    activation: Activation,
    pub(in crate::layers) tail: Tail,
}

impl NormBlock {
    /// The norm alone.
    pub fn new(norm: BatchNorm) -> Self {
        let tail = Tail { function: Function::Identity, extra: Extra::None };
        NormBlock { norm, activation: Activation::Identity, tail }
    }

    /// With an activation, if there is none yet and it has no parameters. After a sum its derivative must follow from its
    /// output.
    pub fn with_activation(&self, activation: Activation) -> Option<Self> {
        let function = activation.function()?;
        let free = self.tail.function == Function::Identity && self.tail.windows().is_none();
        let suits = !self.tail.adds() || function.from_output();
        let tail = Tail { function, ..self.tail };
        (free && suits).then(|| NormBlock { activation, tail, norm: self.norm.clone() })
    }

    /// With a second input added, if nothing follows the norm yet.
    pub fn with_sum(&self) -> Option<Self> {
        let free = self.tail.function == Function::Identity && matches!(self.tail.extra, Extra::None);
        free.then(|| NormBlock { tail: Tail { extra: Extra::Shortcut, ..self.tail }, ..self.clone() })
    }

    /// With max pooling, if its windows are 2x2 side by side.
    pub fn with_pooling(&self, windows: &PoolShape) -> Option<Self> {
        let free = windows.is_pairs() && matches!(self.tail.extra, Extra::None);
        free.then(|| NormBlock { tail: Tail { extra: Extra::Pooling(*windows), ..self.tail }, ..self.clone() })
    }

    /// Whether it adds a second input.
    pub fn adds(&self) -> bool {
        self.tail.adds()
    }

    /// Floats kept for backward beside the input, for `images` samples.
    pub(in crate::layers) fn saved_length(&self, images: usize) -> usize {
        batch::STATISTICS * self.norm.channels() + self.tail.places_length(images)
    }

    /// Floats of scratch for the sums over `images` samples.
    pub(in crate::layers) fn records_length(&self, images: usize) -> usize {
        self.tail.records_length((images, self.norm.output_shape().positions()), self.norm.channels())
    }

    /// First half of backward: sums the gradient up, writes the gradients by the norm's parameters and fills both tables
    /// (forward, backward). Leaves the gradient by the shortcut in `grad_output`.
    pub(in crate::layers) fn sum_gradient(
        &self,
        sums: GradientSums<'_>,
        tables: (&mut [f32], &mut [f32]),
        records: &mut [f32],
    ) {
        let GradientSums { grad_output, x, output, saved, parameters, grad_parameters } = sums;
        let channels = self.norm.channels();
        let (statistics, places) = saved.split_at(batch::STATISTICS * channels);
        let affine = self.norm.scale_and_shift(parameters);
        batch::forward_table(statistics, affine, tables.0);
        let read = TailGradient { x, y: output, places, table: tables.0 };
        let length = self.tail.gradient_sums(grad_output, read, records);
        let rows = x.len() / channels;
        let sums = BackwardSums { records: &records[..length], rows, statistics, scale: affine.0 };
        let split = if self.norm.spec().affine { channels } else { 0 };
        batch::backward_table(sums, grad_parameters.split_at_mut(split), tables.1);
    }

    /// What the second half of backward reads.
    pub(in crate::layers) fn gradient<'a>(&self, x: &'a [f32], saved: &'a [f32], table: &'a [f32]) -> TailGradient<'a> {
        let places = &saved[batch::STATISTICS * self.norm.channels()..];
        TailGradient { x, y: &[], places, table }
    }

    /// What follows the norm, from the norm's input and the shortcut. A `probe` gets the statistics of an
    /// activation that pooling hides: that of the last layer but one.
    pub(in crate::layers) fn forward_tail(
        &self,
        (x, shortcut): (&[f32], &[f32]),
        table: &[f32],
        (output, places): (&mut [f32], &mut [f32]),
        probe: Option<&mut Probe>,
    ) {
        let hides = self.tail.windows().is_some() && self.activation != Activation::Identity;
        let slots = probe.filter(|_| hides).and_then(|probe| probe.layers.iter_mut().rev().nth(1));
        let Some(slots) = slots.filter(|slots| slots.units.units() == self.norm.channels()) else {
            return self.tail.forward((x, shortcut), table, output, places);
        };
        let limits = self.activation.saturation().map(|range| Limits { low: range.low, high: range.high });
        let hidden =
            Hidden { units: &mut slots.units, limits: limits.unwrap_or(Limits::NONE), parts: &mut slots.parts };
        slots.output = Some(self.tail.forward_measured(x, table, (output, places), hidden));
    }

    /// What follows the norm, for descriptions: `, relu, max pool 2x2`.
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

/// What [`NormBlock::sum_gradient`] reads and writes.
pub(in crate::layers) struct GradientSums<'a> {
    pub(in crate::layers) grad_output: &'a mut [f32],
    /// Input of the norm.
    pub(in crate::layers) x: &'a [f32],
    /// Output of the block; read only if it adds a shortcut.
    pub(in crate::layers) output: &'a [f32],
    /// Statistics and places.
    pub(in crate::layers) saved: &'a [f32],
    /// Of the norm.
    pub(in crate::layers) parameters: &'a [f32],
    /// Of the norm.
    pub(in crate::layers) grad_parameters: &'a mut [f32],
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

    fn memory(&self, request: MemoryRequest) -> Memory {
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
        self.norm.prepare(&mut context, table, records);
        let places = match context.mode {
            Mode::Train => &mut context.saved[batch::STATISTICS * self.norm.channels()..],
            Mode::Evaluate => &mut [],
        };
        let [input, shortcut] = context.inputs;
        let probe = context.probe.filter(|_| context.mode == Mode::Train);
        self.forward_tail((input, shortcut), table, (context.output, places), probe);
    }

    fn backward(&self, context: Backward<'_>) {
        let (channels, x) = (self.norm.channels(), context.inputs[0]);
        let (forward, rest) = context.scratch.split_at_mut(batch::FORWARD_TABLE * channels);
        let (backward, records) = rest.split_at_mut(batch::BACKWARD_TABLE * channels);
        let grad_output = context.grad_output;
        let sums = GradientSums {
            grad_output: &mut *grad_output,
            x,
            output: context.output,
            saved: context.saved,
            parameters: context.parameters,
            grad_parameters: context.grad_parameters,
        };
        self.sum_gradient(sums, (&mut *forward, &mut *backward), records);
        let [grad_input, grad_shortcut] = context.grad_inputs;
        if !grad_shortcut.is_empty() {
            elementwise::copy(grad_output, grad_shortcut);
        }
        if !grad_input.is_empty() {
            self.tail.input_gradient(grad_output, self.gradient(x, context.saved, forward), backward, grad_input);
        }
    }

    fn describe(&self) -> String {
        self.norm.describe() + &self.describe_tail()
    }

    fn measures(&self) -> Measures {
        self.norm.measures()
    }
}
