//! Statistics of a step: an observer requests them, the target that runs the program measures them.
//!
//! An [`Observer`] has a [`Probe`] for each instruction, with requests and slots for the results. Kernels fill the slots of values
//! that are in the cache anyway ([`Layer::measures`](crate::Layer::measures)); the executor measures the rest. No observer sees the
//! memory of a target: code that needs whole tensors requests a copy of them ([`Requests::values`]). Without an observer there is
//! no probe and nothing is measured.
//!
//! [`crate::observers`] contains the observers that most callers need.
//!
//! To save a pass over memory in a layer: set the flag in `measures`, and fill the slot in every training call with a probe. An
//! instruction that computes several nodes has a [`LayerProbe`] for each, in order; values between its nodes are visible to this
//! kernel only, so it fills the slots that it can.

mod energy;
mod histogram;
mod sample;

use std::ops::Range;

use keel_kernels::SimdLevel;
use keel_kernels::statistics::{
    GradientPart, GradientSignal, Limits, SignCounts, Signal, SignalPart, UnitCounts, activation_signal, gradient,
    sign_agreement, signal,
};

pub(crate) use energy::mean_energy;
pub use histogram::Histogram;

/// Requests statistics of a step while it runs; the unit type requests nothing.
pub trait Observer {
    /// Returns the slots of the network's input, if it is to be measured.
    fn input(&mut self) -> Option<&mut InputProbe> {
        None
    }

    /// Returns requests and slots of an instruction. Called before its forward and its backward function.
    fn probe(&mut self, instruction: usize) -> Option<&mut Probe>;
}

impl Observer for () {
    fn probe(&mut self, _instruction: usize) -> Option<&mut Probe> {
        None
    }
}

/// Slots that a kernel fills itself in every training step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// [`Probe::input`]: the output of the layer before need not be measured.
    pub input: bool,
    /// [`LayerProbe::output`] of the last layer, and its [`LayerProbe::units`] if it is an activation.
    pub output: bool,
    /// [`LayerProbe::gradient`] of the last layer: the gradient with respect to the node's output.
    pub gradient: bool,
    /// [`Probe::grad_input`]: the gradient with respect to the output of the layer before need not be measured.
    pub grad_input: bool,
}

/// Slots of the network's input.
#[derive(Debug, Default)]
pub struct InputProbe {
    /// Mean energy of a sample of the input, mean(x)² / mean(x²).
    pub energy: f32,
    parts: Vec<SignalPart>,
}

impl InputProbe {
    /// Measures the network's input.
    pub(crate) fn measure(&mut self, simd: SimdLevel, input: &[f32]) {
        self.energy = energy::sampled_energy(simd, input, &mut self.parts);
    }
}

/// Measurement of the last layer's output that the executor performs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputRequest {
    /// None: a kernel measures it, or it is not requested.
    #[default]
    None,
    /// [`LayerProbe::output`].
    Signal,
    /// [`LayerProbe::output`] and [`LayerProbe::units`].
    Units,
}

/// Measurements that the executor performs at one instruction, in addition to those of its kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Statistics of the output.
    pub output: OutputRequest,
    /// [`LayerProbe::gradient`] of the last layer.
    pub gradient: bool,
    /// [`LayerProbe::output`] of the first of several layers, whose output is not stored: a kernel that can, measures it.
    pub hidden_output: bool,
    /// [`LayerProbe::gradient`] of the first of several layers: a kernel that can, measures it.
    pub hidden_gradient: bool,
    /// [`Probe::energy`].
    pub energy: bool,
    /// [`Probe::histograms`].
    pub histograms: bool,
    /// [`Probe::values`].
    pub values: bool,
    /// Measures only the first samples of large outputs and gradients: 16 of them and about 8 Ki values, or fewer than 16 if
    /// they would have more than 512 Ki values.
    pub sampled: bool,
    /// [`SignProbe::agreement`] of every entry of [`Probe::signs`].
    pub signs: bool,
}

/// Requests and slots of one instruction.
#[derive(Debug, Default)]
pub struct Probe {
    /// Measurements that the executor performs.
    pub requests: Requests,
    /// Limits beyond which outputs are saturated.
    pub limits: Option<Limits>,
    /// Statistics of the first input, `[batch, ...]`.
    pub input: Option<Signal>,
    /// Statistics of the gradient with respect to the first input, as computed by this node only, `[batch, ...]`.
    pub grad_input: Option<GradientSignal>,
    /// One per node that the instruction computes, in order; the output of the last is that of the instruction.
    pub layers: Vec<LayerProbe>,
    /// Mean energy of a sample of the output, mean(x)² / mean(x²).
    pub energy: Option<f32>,
    /// Histograms of the output and of the gradient with respect to it; `None` if nothing is finite.
    pub histograms: Values<Option<Histogram>>,
    /// Copies of the output and of the gradient with respect to it, `[batch, ...]`.
    pub values: Values<Vec<f32>>,
    /// One per weight matrix whose gradient signs are measured.
    pub signs: Vec<SignProbe>,
    /// Scratch buffer for statistics of the gradient, kept between steps.
    pub gradient_parts: Vec<GradientPart>,
}

/// A pair of results for an output and for the gradient with respect to it.
#[derive(Debug, Default)]
pub struct Values<T> {
    /// Result for the output.
    pub output: T,
    /// Result for the gradient with respect to the output.
    pub gradient: T,
}

/// Slots of one layer.
#[derive(Debug, Default)]
pub struct LayerProbe {
    /// Statistics of the layer's output, `[batch, ...]`.
    pub output: Option<Signal>,
    /// Statistics of the gradient of the loss with respect to the layer's output.
    pub gradient: Option<GradientSignal>,
    /// Number of times that each unit (feature or channel) of an activation was above zero or saturated; reset by the code that
    /// fills `output`. Without units for other layers.
    pub units: UnitCounts,
    /// Scratch buffer of the code that fills the slots, kept between steps.
    pub parts: Vec<SignalPart>,
}

/// Signs of the gradient of one weight matrix.
#[derive(Debug)]
pub struct SignProbe {
    /// Index of its node in [`Probe::layers`].
    pub layer: usize,
    /// Range within the parameters of the instruction.
    pub weights: Range<usize>,
    /// Number of columns of the matrix.
    pub units: usize,
    /// Minimum agreement `|n+ - n-| / (n+ + n-)` for a unit to count.
    pub limit: f64,
    /// Fraction of the units with such an agreement.
    pub agreement: Option<f64>,
    counts: SignCounts,
}

impl SignProbe {
    /// Creates slots for the floats `weights` of node `layer`, a matrix with `units` columns; units count from the agreement `limit`.
    pub fn new(layer: usize, weights: Range<usize>, units: usize, limit: f64) -> Self {
        SignProbe { layer, weights, units, limit, agreement: None, counts: SignCounts::new(units) }
    }
}

impl Probe {
    /// Empties all slots before a step; keeps their memory and the requests.
    pub fn clear(&mut self) {
        (self.input, self.grad_input, self.energy) = (None, None, None);
        self.histograms = Values::default();
        self.values.output.clear();
        self.values.gradient.clear();
        for layer in &mut self.layers {
            (layer.output, layer.gradient) = (None, None);
            layer.units.begin(0);
        }
        self.signs.iter_mut().for_each(|signs| signs.agreement = None);
    }

    /// Returns the slots of the last layer.
    pub fn last(&mut self) -> Option<&mut LayerProbe> {
        self.layers.last_mut()
    }

    /// Performs the requested measurements of the output, `[samples, ...]`.
    pub(crate) fn measure_output(&mut self, simd: SimdLevel, output: &[f32], samples: usize) {
        let Requests { output: wanted, energy, histograms, values, .. } = self.requests;
        let part = self.measured_part(output, samples);
        let limits = self.limits.unwrap_or(Limits::NONE);
        if let Some(last) = self.layers.last_mut() {
            if energy {
                self.energy = Some(energy::sampled_energy(simd, output, &mut last.parts));
            }
            match wanted {
                OutputRequest::None => {}
                OutputRequest::Signal => last.output = Some(signal(simd, part, limits, &mut last.parts)),
                OutputRequest::Units => {
                    last.output = Some(activation_signal(simd, part, limits, &mut last.units, &mut last.parts));
                }
            }
        }
        if histograms {
            self.histograms.output = Histogram::of(simd, output);
        }
        if values {
            self.values.output.extend_from_slice(output);
        }
    }

    /// Returns the number of samples of which a kernel measures the hidden output, from the first; each has `length` values.
    pub(crate) fn hidden_samples(&self, length: usize, samples: usize) -> usize {
        match self.requests {
            Requests { hidden_output: false, .. } => 0,
            Requests { sampled: true, .. } => sample::measured_samples(length, samples),
            _ => samples,
        }
    }

    /// Measures the output of the first layer, `[samples, ...]`: the samples that [`Probe::hidden_samples`] names.
    pub(crate) fn measure_hidden_output(&mut self, simd: SimdLevel, output: &[f32]) {
        if let Some(first) = self.layers.first_mut() {
            first.output = Some(signal(simd, output, Limits::NONE, &mut first.parts));
        }
    }

    /// Measures the gradient with respect to the output of the first layer, `[samples, ...]`, if it is requested.
    pub(crate) fn measure_hidden_gradient(&mut self, simd: SimdLevel, gradient_values: &[f32], samples: usize) {
        let part = self.measured_part(gradient_values, samples);
        let parts = &mut self.gradient_parts;
        if let Some(first) = self.layers.first_mut().filter(|_| self.requests.hidden_gradient) {
            first.gradient = Some(gradient(simd, part, parts));
        }
    }

    /// Returns the samples of `values` `[samples, ...]` that are measured.
    fn measured_part<'a>(&self, values: &'a [f32], samples: usize) -> &'a [f32] {
        if self.requests.sampled { sample::first_samples(values, samples) } else { values }
    }

    /// Performs the requested measurements of the gradient with respect to the output, `[samples, ...]`.
    pub(crate) fn measure_gradient(&mut self, simd: SimdLevel, grad_output: &[f32], samples: usize) {
        let part = self.measured_part(grad_output, samples);
        let parts = &mut self.gradient_parts;
        if let Some(last) = self.layers.last_mut().filter(|_| self.requests.gradient) {
            last.gradient = Some(gradient(simd, part, parts));
        }
        if self.requests.histograms {
            self.histograms.gradient = Histogram::of(simd, grad_output);
        }
        if self.requests.values {
            self.values.gradient.extend_from_slice(grad_output);
        }
    }

    /// Performs the requested measurements of the gradient with respect to the instruction's parameters.
    pub(crate) fn measure_parameter_gradient(&mut self, simd: SimdLevel, grad_parameters: &[f32]) {
        for signs in self.signs.iter_mut().filter(|_| self.requests.signs) {
            let gradient = &grad_parameters[signs.weights.clone()];
            signs.agreement = Some(sign_agreement(simd, gradient, signs.units, signs.limit, &mut signs.counts));
        }
    }
}
