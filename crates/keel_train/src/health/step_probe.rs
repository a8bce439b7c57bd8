//! Sees every value of a step and keeps one [`StepMeasurement`] up to date, without an allocation after the first step.

use keel_health::measurement::{
    GradientMeasurement, LayerKind, ModelDescription, SignalMeasurement, StepMeasurement, UnitMeasurement,
};
use keel_kernels::simd;
use keel_kernels::statistics::{
    GradientPart, GradientSignal, Limits, SignCounts, Signal, SignalPart, UnitCounts, activation_signal, gradient,
    sign_agreement, signal,
};
use keel_nn::graph::Graph;
use keel_nn::program::{Program, Source};
use keel_nn::{LayerProbe, Observer, ParameterRole, Probe};

use super::energy::{energy, sampled_energy};
use super::parameters::{empty_measurements, measure_failed_parameters};
use super::{DecayTerm, Distribution, measure_parameters};
use crate::optimizers::SegmentNorms;

/// Sign agreement of a unit's weight gradient from which K014 counts it.
const AGREEMENT: f64 = 0.9;
/// Inputs a unit needs before the signs of its gradient say anything.
const LEAST_FAN_IN: usize = 8;
/// Signs of weight gradients are looked at in one of this many steps.
const SIGN_STEPS: u64 = 4;

/// Which tensors are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thoroughness {
    /// Outputs of weight layers and activations (z and a), gradients by the outputs of weight layers (dL/dz): what rules
    /// judge.
    Standard,
    /// Outputs and gradients of every layer.
    Full,
}

/// Measures steps. Hand it to [`crate::Session::step_observed`] or [`crate::Session::gradient`] between
/// [`StepProbe::begin`] and [`StepProbe::finish`].
#[derive(Debug)]
pub struct StepProbe {
    instructions: Vec<InstructionSlots>,
    weights: Vec<WeightLayer>,
    measurement: StepMeasurement,
    input_energy: f32,
    signal_parts: Vec<SignalPart>,
    gradient_parts: Vec<GradientPart>,
    signs: SignCounts,
    distributions: Option<Vec<Distribution>>,
}

/// Measurements of one instruction of the program.
#[derive(Debug)]
struct InstructionSlots {
    probe: Probe,
    /// Indices, in the description, of the layers the instruction computes; empty for a view.
    layers: Vec<usize>,
    output: OutputPass,
    /// Whether the gradient by the output is measured here.
    gradient: bool,
    /// Whether the mean energy of the output is sampled for the weight layers that read it.
    samples_energy: bool,
    energy: f32,
    /// The layer whose output is the first input.
    source: Option<usize>,
    /// Values outside these are saturated; `None` if the activation does not saturate.
    limits: Option<Limits>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputPass {
    /// The node, or the one that reads its output, measures it; or nobody wants it.
    None,
    Signal,
    Units,
}

/// A layer that multiplies by weights.
#[derive(Debug)]
struct WeightLayer {
    layer: usize,
    weights: std::ops::Range<usize>,
    units: usize,
    fan_in: usize,
    input: EnergySource,
}

/// Where the mean energy of a weight layer's input comes from.
#[derive(Debug, Clone, Copy)]
enum EnergySource {
    Network,
    /// The measured output of this layer.
    Layer(usize),
    /// The sample taken at this node.
    Sample(usize),
}

impl StepProbe {
    /// A probe for `program`, whose graph `model` describes.
    pub fn new(model: &ModelDescription, program: &Program, thoroughness: Thoroughness) -> Self {
        let mut slots = instruction_slots(model, program, thoroughness);
        let weights = weight_layers(model, program, &mut slots);
        let most_units = weights.iter().map(|weight| weight.units).max().unwrap_or(0);
        let layers = empty_measurements(program.graph());
        let mut measurement = StepMeasurement { layers, ..StepMeasurement::default() };
        for own in &slots {
            for (probe, &layer) in own.probe.layers.iter().zip(&own.layers) {
                let units = probe.units.units();
                let empty = UnitMeasurement {
                    saturated_counts: vec![0; if own.limits.is_some() { units } else { 0 }],
                    ..UnitMeasurement::with_units(units)
                };
                measurement.layers[layer].units = (units > 0).then_some(empty);
            }
        }
        StepProbe {
            instructions: slots,
            weights,
            measurement,
            input_energy: 0.0,
            signal_parts: Vec::new(),
            gradient_parts: Vec::new(),
            signs: SignCounts::new(most_units),
            distributions: None,
        }
    }

    /// Makes ready for a step on `inputs`, `[batch, ...]`.
    pub fn begin(&mut self, inputs: &[f32]) {
        self.instructions.iter_mut().for_each(|node| node.probe.clear());
        self.input_energy = sampled_energy(inputs, &mut self.signal_parts);
    }

    /// As [`StepProbe::begin`]; the step's distributions are kept too, for [`StepProbe::distributions`].
    pub fn begin_with_distributions(&mut self, inputs: &[f32]) {
        self.begin(inputs);
        self.distributions = Some(Vec::new());
    }

    /// The distributions of outputs and gradients, if they were asked for; a second call gives none.
    pub fn distributions(&mut self) -> Vec<Distribution> {
        self.distributions.take().unwrap_or_default()
    }

    /// Puts together what the step showed: `gradients` are those of all parameters of `graph`. What a probe cannot see
    /// (loss, learning rate, …) is left for the caller, in [`StepProbe::measurement_mut`].
    pub fn finish(&mut self, step: u64, gradients: &[f32]) {
        self.measurement.step = step;
        for index in 0..self.instructions.len() {
            self.collect(index);
        }
        for weight in &self.weights {
            let energy = match weight.input {
                EnergySource::Network => Some(self.input_energy),
                EnergySource::Sample(node) => Some(self.instructions[node].energy),
                EnergySource::Layer(layer) => self.measurement.layers[layer].output.map(|output| energy(&output)),
            };
            let due = step.is_multiple_of(SIGN_STEPS) && weight.fan_in >= LEAST_FAN_IN;
            let gradient = &gradients[weight.weights.clone()];
            let layer = &mut self.measurement.layers[weight.layer];
            layer.input_mean_energy = energy;
            layer.sign_agreement =
                due.then(|| sign_agreement(simd::level(), gradient, weight.units, AGREEMENT, &mut self.signs) as f32);
        }
    }

    /// Adds weights, gradients and updates of all parameters, from the norms of the update.
    pub fn parameters(&mut self, graph: &Graph, norms: &[SegmentNorms], decay: DecayTerm) {
        measure_parameters(graph, norms, decay, &mut self.measurement.layers);
    }

    /// Adds what is not finite in parameters and `gradients` of a step whose update was not applied.
    pub fn failed_parameters(&mut self, graph: &Graph, values: &[f32], gradients: &[f32]) {
        measure_failed_parameters(graph, values, gradients, &mut self.measurement.layers);
    }

    /// The step so far.
    pub fn measurement(&self) -> &StepMeasurement {
        &self.measurement
    }

    /// The step so far, to be completed.
    pub fn measurement_mut(&mut self) -> &mut StepMeasurement {
        &mut self.measurement
    }

    /// Copies the slots of a node into the measurement.
    fn collect(&mut self, index: usize) {
        let node = &mut self.instructions[index];
        let saturates = node.limits.is_some();
        for (slots, &layer) in node.probe.layers.iter_mut().zip(&node.layers) {
            let measured = &mut self.measurement.layers[layer];
            if let Some(output) = slots.output {
                measured.output = Some(signal_measurement(output, saturates));
            }
            if let Some(gradient) = slots.gradient {
                measured.gradient = Some(gradient_measurement(gradient));
            }
            copy_units(&mut slots.units, &mut measured.units);
        }
        let Some(source) = node.source else { return };
        if let Some(input) = node.probe.input {
            self.measurement.layers[source].output = Some(signal_measurement(input, false));
        }
        if let Some(gradient) = node.probe.grad_input {
            self.measurement.layers[source].gradient = Some(gradient_measurement(gradient));
        }
    }

    fn keep_distribution(&mut self, node: usize, name: &'static str, values: &[f32]) {
        if let (Some(kept), Some(&layer)) = (&mut self.distributions, self.instructions[node].layers.last()) {
            kept.extend(Distribution::of(layer, name, values));
        }
    }
}

impl Observer for StepProbe {
    fn probe(&mut self, node: usize) -> Option<&mut Probe> {
        Some(&mut self.instructions[node].probe)
    }

    fn output(&mut self, node: usize, output: &[f32]) {
        let slots = &mut self.instructions[node];
        let parts = &mut self.signal_parts;
        let limits = slots.limits.unwrap_or(Limits::NONE);
        if slots.samples_energy {
            slots.energy = sampled_energy(output, parts);
        }
        if let Some(last) = slots.probe.last() {
            match slots.output {
                OutputPass::None => {}
                OutputPass::Signal => last.output = Some(signal(simd::level(), output, limits, parts)),
                OutputPass::Units => {
                    last.output = Some(activation_signal(simd::level(), output, limits, &mut last.units, parts))
                }
            }
        }
        self.keep_distribution(node, "output", output);
    }

    fn gradient(&mut self, node: usize, grad_output: &[f32]) {
        let slots = &mut self.instructions[node];
        if slots.gradient
            && let Some(last) = slots.probe.last()
        {
            last.gradient = Some(gradient(simd::level(), grad_output, &mut self.gradient_parts));
        }
        self.keep_distribution(node, "gradient", grad_output);
    }
}

/// The instruction whose memory `source` is, through views; `None` for the network's input.
fn producer(program: &Program, source: Source) -> Option<usize> {
    match program.storage(source) {
        Source::Input => None,
        Source::Instruction(index) => Some(index),
    }
}

fn instruction_slots(model: &ModelDescription, program: &Program, thoroughness: Thoroughness) -> Vec<InstructionSlots> {
    let instructions = program.instructions();
    let layers_of = |index: usize| instructions[index].nodes.iter().map(|id| id.index()).collect::<Vec<usize>>();
    let first_input = |index: usize| instructions[index].inputs.first().and_then(|&source| producer(program, source));
    let readers = |index: usize| {
        let computing = instructions.iter().enumerate().filter(|(_, other)| !other.kernel.layer().is_view());
        let reading = computing
            .filter(move |(_, other)| other.inputs.iter().any(|&source| producer(program, source) == Some(index)));
        reading.map(|(reader, _)| reader).collect::<Vec<usize>>()
    };
    let slots = instructions.iter().enumerate().map(|(index, instruction)| {
        let (kernel, layers) = (instruction.kernel.layer(), layers_of(index));
        let measures = kernel.measures();
        let last = layers.last().map(|&layer| &model.layers[layer]);
        let kind = last.map_or(LayerKind::Other, |last| last.kind);
        let seen = !kernel.is_view();
        let full = thoroughness == Thoroughness::Full;
        let readers = readers(index);
        let measuring = |wanted: fn(keel_nn::Measures) -> bool| {
            move |&&reader: &&usize| {
                wanted(instructions[reader].kernel.layer().measures()) && first_input(reader) == Some(index)
            }
        };
        let output_read = readers.iter().any(|reader| measuring(|measures| measures.input)(&reader));
        let gradient_read =
            readers.len() == 1 && readers.iter().any(|reader| measuring(|measures| measures.grad_input)(&reader));
        let judged = kind.has_weight_matrix() || kind == LayerKind::Activation;
        let output = match kind {
            _ if !seen || measures.output || output_read || !(full || judged) => OutputPass::None,
            LayerKind::Activation => OutputPass::Units,
            _ => OutputPass::Signal,
        };
        let gradient = seen && !measures.gradient && !gradient_read && (full || kind.has_weight_matrix());
        let mut activations = instruction.nodes.iter().filter_map(|&id| program.graph().node(id).op.activation());
        let saturation = activations.next().and_then(|activation| activation.saturation());
        InstructionSlots {
            probe: Probe { layers: layers.iter().map(|&layer| slots_of(model, layer)).collect(), ..Probe::default() },
            layers,
            output,
            gradient,
            samples_energy: false,
            energy: 0.0,
            source: first_input(index).and_then(|producer| layers_of(producer).last().copied()),
            limits: saturation.map(|saturation| Limits { low: saturation.low, high: saturation.high }),
        }
    });
    slots.collect()
}

fn slots_of(model: &ModelDescription, layer: usize) -> LayerProbe {
    let layer = &model.layers[layer];
    let units = layer.units.filter(|_| layer.kind == LayerKind::Activation).unwrap_or(0);
    LayerProbe { units: UnitCounts::new(units), ..LayerProbe::default() }
}

fn weight_layers(model: &ModelDescription, program: &Program, slots: &mut [InstructionSlots]) -> Vec<WeightLayer> {
    let weights = program.graph().parameters().iter().filter(|parameter| {
        parameter.spec.role == ParameterRole::Weight
            && model.layers[parameter.node.index()].kind.has_weight_matrix()
            && !parameter.frozen
    });
    let mut found = Vec::new();
    for parameter in weights {
        let mut owners =
            program.instructions().iter().filter(|instruction| instruction.nodes.contains(&parameter.node));
        let source = owners.next().and_then(|owner| owner.inputs.first()).copied().unwrap_or(Source::Input);
        let input = match producer(program, source) {
            None => EnergySource::Network,
            Some(source) => energy_source(model, source, slots),
        };
        let units = parameter.spec.shape.last().copied().unwrap_or(1).max(1);
        let fan_in = parameter.range.len() / units;
        found.push(WeightLayer {
            layer: parameter.node.index(),
            weights: parameter.range.clone(),
            units,
            fan_in,
            input,
        });
    }
    found
}

fn energy_source(model: &ModelDescription, node: usize, nodes: &mut [InstructionSlots]) -> EnergySource {
    let slots = &mut nodes[node];
    match slots.layers.last() {
        Some(&layer) if model.layers[layer].kind == LayerKind::Activation => EnergySource::Layer(layer),
        _ => {
            slots.samples_energy = true;
            EnergySource::Sample(node)
        }
    }
}

fn signal_measurement(signal: Signal, saturates: bool) -> SignalMeasurement {
    let share = |count: u64| count as f32 / signal.count.max(1) as f32;
    SignalMeasurement {
        count: signal.count,
        mean: signal.mean as f32,
        std: signal.std() as f32,
        min: signal.range.map(|range| range.0),
        max: signal.range.map(|range| range.1),
        zero_fraction: signal.zeros.map(share),
        saturated_fraction: signal.saturated.filter(|_| saturates).map(share),
        non_finite: signal.non_finite,
    }
}

fn gradient_measurement(gradient: GradientSignal) -> GradientMeasurement {
    GradientMeasurement {
        count: gradient.count,
        rms: gradient.rms() as f32,
        max_abs: gradient.max_abs,
        non_finite: gradient.non_finite,
    }
}

/// Copies the counts of a step; a layer nobody counted is not measured.
fn copy_units(counts: &mut UnitCounts, measured: &mut Option<UnitMeasurement>) {
    let Some(units) = measured else { return };
    if counts.observations() == 0 {
        *measured = None;
        return;
    }
    units.clear();
    units.observations = counts.observations();
    for (unit, fired) in counts.fired().enumerate() {
        units.fired_counts[unit] = fired;
        if fired > 0 {
            units.set_fired(unit);
        }
    }
    for (total, saturated) in units.saturated_counts.iter_mut().zip(counts.saturated()) {
        *total = saturated;
    }
}
