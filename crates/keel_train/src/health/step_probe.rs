//! Requests the statistics of a step and maintains one [`StepMeasurement`], without an allocation after the first step.

use keel_health::measurement::{
    GradientMeasurement, LayerKind, ModelDescription, SignalMeasurement, StepMeasurement, UnitMeasurement,
};
use keel_kernels::statistics::{GradientSignal, Limits, Signal, UnitCounts};
use keel_nn::graph::{Graph, Node};
use keel_nn::observers::{Statistics, Wanted};
use keel_nn::probe::InputProbe;
use keel_nn::{NodeId, Observer, ParameterRole, Probe};

use super::parameters::{empty_measurements, measure_failed_parameters};
use super::{DecayTerm, measure_parameters};
use crate::optimizers::SegmentNorms;
use crate::runs::HistogramRecord;
use crate::session::Session;

/// Minimum sign agreement of a unit's weight gradient for K014 to count it.
const AGREEMENT: f64 = 0.9;
/// Minimum number of inputs of a unit for the signs of its gradient to be meaningful.
const LEAST_FAN_IN: usize = 8;
/// Interval, in steps, at which the signs of weight gradients are measured.
const SIGN_STEPS: u64 = 4;

/// Set of tensors that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thoroughness {
    /// Outputs of weight layers and activations (z and a), gradients with respect to the outputs of weight layers (dL/dz): the
    /// values that rules evaluate.
    Standard,
    /// Outputs and gradients of every layer.
    Full,
}

/// Measures steps. Pass it to [`crate::Session::gradient`] between [`StepProbe::begin`] and [`StepProbe::finish`].
#[derive(Debug)]
pub struct StepProbe {
    statistics: Statistics,
    /// For each layer, true if it saturates.
    saturates: Vec<bool>,
    measurement: StepMeasurement,
}

impl StepProbe {
    /// Creates a probe for the steps of `session`, described by `model`.
    pub fn new(model: &ModelDescription, session: &Session, thoroughness: Thoroughness) -> Self {
        let graph = &session.network().graph;
        let statistics = session.statistics(|node| wanted(model, graph, node, thoroughness)).sampled();
        let saturates: Vec<bool> = graph.nodes().iter().map(|node| limits(node).is_some()).collect();
        let mut measurement = StepMeasurement { layers: empty_measurements(graph), ..StepMeasurement::default() };
        for (layer, measured) in measurement.layers.iter_mut().enumerate() {
            let units = units(model, layer);
            let empty = UnitMeasurement {
                saturated_counts: vec![0; if saturates[layer] { units } else { 0 }],
                ..UnitMeasurement::with_units(units)
            };
            measured.units = (units > 0).then_some(empty);
        }
        StepProbe { statistics, saturates, measurement }
    }

    /// Prepares for step `step`, counted from 0. With `histograms`, those of outputs and gradients are kept, for
    /// [`StepProbe::histograms`].
    pub fn begin(&mut self, step: u64, histograms: bool) {
        self.statistics.begin(step.is_multiple_of(SIGN_STEPS), histograms);
    }

    /// Returns the histograms of outputs and gradients, if they were requested; `step` is the number recorded with them.
    pub fn histograms(&self, model: &ModelDescription, step: u64) -> Vec<HistogramRecord> {
        let mut records = Vec::new();
        for (node, probe) in self.statistics.histograms() {
            for (name, histogram) in [("output", &probe.histograms.output), ("gradient", &probe.histograms.gradient)] {
                let Some(histogram) = histogram else { continue };
                records.push(HistogramRecord {
                    step,
                    layer: model.name(node.index()),
                    name: name.to_owned(),
                    low: f64::from(histogram.low),
                    high: f64::from(histogram.high),
                    counts: histogram.counts.clone(),
                });
            }
        }
        records
    }

    /// Collects the results of step `step`. Values that a probe does not measure (loss, learning rate, …) are set by the caller,
    /// through [`StepProbe::measurement_mut`].
    pub fn finish(&mut self, step: u64) {
        self.statistics.finish();
        self.measurement.step = step;
        for (layer, measured) in self.measurement.layers.iter_mut().enumerate() {
            let id = NodeId::new(layer);
            let node = *self.statistics.node(id);
            measured.output = node.output.map(|output| signal_measurement(output, self.saturates[layer]));
            measured.gradient = node.gradient.map(gradient_measurement);
            measured.input_mean_energy = node.input_energy;
            measured.sign_agreement = node.sign_agreement.map(|agreement| agreement as f32);
            copy_units(self.statistics.units(id), &mut measured.units);
        }
    }

    /// Adds weights, gradients and updates of all parameters, from the norms of the update.
    pub fn parameters(&mut self, graph: &Graph, norms: &[SegmentNorms], decay: DecayTerm) {
        measure_parameters(graph, norms, decay, &mut self.measurement.layers);
    }

    /// Adds the non-finite entries of parameters and `gradients` of a step whose update was not applied.
    pub fn failed_parameters(&mut self, graph: &Graph, values: &[f32], gradients: &[f32]) {
        measure_failed_parameters(graph, values, gradients, &mut self.measurement.layers);
    }

    /// Returns the measurement so far.
    pub fn measurement(&self) -> &StepMeasurement {
        &self.measurement
    }

    /// Returns the measurement so far, to be completed.
    pub fn measurement_mut(&mut self) -> &mut StepMeasurement {
        &mut self.measurement
    }
}

impl Observer for StepProbe {
    fn input(&mut self) -> Option<&mut InputProbe> {
        self.statistics.input()
    }

    fn probe(&mut self, instruction: usize) -> Option<&mut Probe> {
        self.statistics.probe(instruction)
    }
}

/// Returns the number of units of an activation whose activity is counted; 0 for other layers.
fn units(model: &ModelDescription, layer: usize) -> usize {
    let layer = &model.layers[layer];
    layer.units.filter(|_| layer.kind == LayerKind::Activation).unwrap_or(0)
}

/// Returns the limits beyond which outputs are saturated; `None` for a node that does not saturate.
fn limits(node: &Node) -> Option<Limits> {
    let saturation = node.op.activation().and_then(|activation| activation.saturation())?;
    Some(Limits { low: saturation.low, high: saturation.high })
}

fn wanted(model: &ModelDescription, graph: &Graph, node: &Node, thoroughness: Thoroughness) -> Wanted {
    let kind = model.layers[node.id.index()].kind;
    let full = thoroughness == Thoroughness::Full;
    let mut weights =
        graph.parameters_of(node.id).filter(|own| own.spec.role == ParameterRole::Weight && !own.is_frozen());
    let weight = weights.next().filter(|_| kind.has_weight_matrix());
    let fan_in = weight.map_or(0, |weight| weight.range.len() / weight.spec.shape.last().copied().unwrap_or(1).max(1));
    Wanted {
        output: full || kind.has_weight_matrix() || kind == LayerKind::Activation,
        units: units(model, node.id.index()),
        limits: limits(node),
        gradient: full || kind.has_weight_matrix(),
        input_energy: weight.is_some(),
        sign_limit: (fan_in >= LEAST_FAN_IN).then_some(AGREEMENT),
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

/// Copies the counts of a step; a layer without counts is not measured.
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
