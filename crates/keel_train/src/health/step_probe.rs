//! Sees every value of a step and keeps one [`StepMeasurement`] up to date, without an allocation after the first step.

use keel_health::measurement::{
    GradientMeasurement, LayerKind, ModelDescription, SignalMeasurement, StepMeasurement, UnitMeasurement,
};
use keel_kernels::statistics::{
    GradientPart, GradientSignal, Limits, SignCounts, Signal, SignalPart, UnitCounts, activation_signal, gradient,
    sign_agreement, signal,
};
use keel_nn::graph::Graph;
use keel_nn::{LayerProbe, Observer, ParameterRole, Probe, Value};

use super::energy::{energy, sampled_energy};
use super::parameters::{empty_measurements, layers_of_parameters, measure_failed_parameters};
use super::{DecayTerm, Distribution, layer_places, measure_parameters};
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
    nodes: Vec<NodeSlots>,
    weights: Vec<WeightLayer>,
    owners: Vec<usize>,
    measurement: StepMeasurement,
    input_energy: f32,
    signal_parts: Vec<SignalPart>,
    gradient_parts: Vec<GradientPart>,
    signs: SignCounts,
    distributions: Option<Vec<Distribution>>,
}

/// What is done for one node of the executed graph.
#[derive(Debug)]
struct NodeSlots {
    probe: Probe,
    /// Indices, in the description, of the layers the node stands for; empty for a view.
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
    /// A probe for the layers of `model`, executed as `graph`.
    ///
    /// # Panics
    /// If `model` does not describe `graph`.
    pub fn new(model: &ModelDescription, graph: &Graph, thoroughness: Thoroughness) -> Self {
        let owners = layers_of_parameters(model, graph);
        let mut nodes = node_slots(model, graph, thoroughness);
        let weights = weight_layers(model, graph, &owners, &mut nodes);
        let most_units = weights.iter().map(|weight| weight.units).max().unwrap_or(0);
        let mut measurement =
            StepMeasurement { layers: empty_measurements(model, graph), ..StepMeasurement::default() };
        for node in &nodes {
            for (slots, &layer) in node.probe.layers.iter().zip(&node.layers) {
                let units = slots.units.units();
                let empty = UnitMeasurement {
                    saturated_counts: vec![0; if node.limits.is_some() { units } else { 0 }],
                    ..UnitMeasurement::with_units(units)
                };
                measurement.layers[layer].units = (units > 0).then_some(empty);
            }
        }
        StepProbe {
            nodes,
            weights,
            owners,
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
        self.nodes.iter_mut().for_each(|node| node.probe.clear());
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
        for index in 0..self.nodes.len() {
            self.collect(index);
        }
        for weight in &self.weights {
            let energy = match weight.input {
                EnergySource::Network => Some(self.input_energy),
                EnergySource::Sample(node) => Some(self.nodes[node].energy),
                EnergySource::Layer(layer) => self.measurement.layers[layer].output.map(|output| energy(&output)),
            };
            let due = step.is_multiple_of(SIGN_STEPS) && weight.fan_in >= LEAST_FAN_IN;
            let gradient = &gradients[weight.weights.clone()];
            let layer = &mut self.measurement.layers[weight.layer];
            layer.input_mean_energy = energy;
            layer.sign_agreement =
                due.then(|| sign_agreement(gradient, weight.units, AGREEMENT, &mut self.signs) as f32);
        }
    }

    /// Adds weights, gradients and updates of all parameters, from the norms of the update.
    pub fn parameters(&mut self, graph: &Graph, norms: &[SegmentNorms], decay: DecayTerm) {
        measure_parameters((graph, &self.owners), norms, decay, &mut self.measurement.layers);
    }

    /// Adds what is not finite in parameters and `gradients` of a step whose update was not applied.
    pub fn failed_parameters(&mut self, graph: &Graph, values: &[f32], gradients: &[f32]) {
        let layers = &mut self.measurement.layers;
        measure_failed_parameters((graph, &self.owners), (values, gradients), layers);
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
        let node = &mut self.nodes[index];
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
        if let (Some(kept), Some(&layer)) = (&mut self.distributions, self.nodes[node].layers.last()) {
            kept.extend(Distribution::of(layer, name, values));
        }
    }
}

impl Observer for StepProbe {
    fn probe(&mut self, node: usize) -> Option<&mut Probe> {
        Some(&mut self.nodes[node].probe)
    }

    fn output(&mut self, node: usize, output: &[f32]) {
        let slots = &mut self.nodes[node];
        let parts = &mut self.signal_parts;
        let limits = slots.limits.unwrap_or(Limits::NONE);
        if slots.samples_energy {
            slots.energy = sampled_energy(output, parts);
        }
        if let Some(last) = slots.probe.last() {
            match slots.output {
                OutputPass::None => {}
                OutputPass::Signal => last.output = Some(signal(output, limits, parts)),
                OutputPass::Units => last.output = Some(activation_signal(output, limits, &mut last.units, parts)),
            }
        }
        self.keep_distribution(node, "output", output);
    }

    fn gradient(&mut self, node: usize, grad_output: &[f32]) {
        let slots = &mut self.nodes[node];
        if slots.gradient
            && let Some(last) = slots.probe.last()
        {
            last.gradient = Some(gradient(grad_output, &mut self.gradient_parts));
        }
        self.keep_distribution(node, "gradient", grad_output);
    }
}

/// The node whose memory `value` is, through views; `None` for the network's input.
fn producer(graph: &Graph, value: Value) -> Option<usize> {
    match value {
        Value::Input => None,
        Value::Node(node) if graph.nodes()[node].layer.is_view() => producer(graph, graph.nodes()[node].inputs[0]),
        Value::Node(node) => Some(node),
    }
}

fn node_slots(model: &ModelDescription, graph: &Graph, thoroughness: Thoroughness) -> Vec<NodeSlots> {
    let mut layers = vec![Vec::new(); graph.nodes().len()];
    for (layer, place) in layer_places(model, graph).into_iter().enumerate() {
        layers[place.node].push(layer);
    }
    let first_input = |node: usize| producer(graph, graph.nodes()[node].inputs[0]);
    let readers = |node: usize| {
        let nodes = graph.nodes().iter().enumerate().filter(|(_, other)| !other.layer.is_view());
        let reading =
            nodes.filter(move |(_, other)| other.inputs.iter().any(|&value| producer(graph, value) == Some(node)));
        reading.map(|(reader, _)| reader).collect::<Vec<usize>>()
    };
    let slots = graph.nodes().iter().enumerate().map(|(index, node)| {
        let measures = node.layer.measures();
        let last = layers[index].last().map(|&layer| &model.layers[layer]);
        let kind = last.map_or(LayerKind::Other, |last| last.kind);
        let seen = !node.layer.is_view();
        let full = thoroughness == Thoroughness::Full;
        let readers = readers(index);
        let measuring = |wanted: fn(keel_nn::Measures) -> bool| {
            move |&&reader: &&usize| {
                wanted(graph.nodes()[reader].layer.measures()) && first_input(reader) == Some(index)
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
        let saturation = node.layer.activation().and_then(|activation| activation.saturation());
        NodeSlots {
            probe: Probe {
                layers: layers[index].iter().map(|&layer| slots_of(model, layer)).collect(),
                ..Probe::default()
            },
            layers: layers[index].clone(),
            output,
            gradient,
            samples_energy: false,
            energy: 0.0,
            source: node
                .inputs
                .first()
                .and_then(|&value| producer(graph, value))
                .and_then(|node| layers[node].last().copied()),
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

fn weight_layers(
    model: &ModelDescription,
    graph: &Graph,
    owners: &[usize],
    nodes: &mut [NodeSlots],
) -> Vec<WeightLayer> {
    let parameters = graph.parameters().iter().zip(owners);
    let weights = parameters.filter(|(parameter, owner)| {
        parameter.spec.role == ParameterRole::Weight
            && model.layers[**owner].kind.has_weight_matrix()
            && !parameter.frozen
    });
    let mut found = Vec::new();
    for (parameter, &layer) in weights {
        let node = &graph.nodes()[parameter.node];
        let input = match node.inputs.first().and_then(|&value| producer(graph, value)) {
            None => EnergySource::Network,
            Some(source) => energy_source(model, source, nodes),
        };
        let units = parameter.spec.shape.last().copied().unwrap_or(1).max(1);
        let fan_in = parameter.range.len() / units;
        found.push(WeightLayer { layer, weights: parameter.range.clone(), units, fan_in, input });
    }
    found
}

fn energy_source(model: &ModelDescription, node: usize, nodes: &mut [NodeSlots]) -> EnergySource {
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
