//! Measurements of one training step, for the health rules and the tables.

use keel_health::measurement::{
    GradientMeasurement, LayerKind, LayerMeasurement, ModelDescription, ParameterMeasurement, ParameterRole,
    SignalMeasurement, StepMeasurement, UnitMeasurement,
};
use keel_kernels::statistics::{Limits, Signal, UnitCounts};
use keel_nn::NodeId;
use keel_nn::graph::{Graph, Node};
use keel_nn::observers::{Statistics, Wanted};

use crate::training::Classifier;

/// Minimum sign agreement of a unit's weight gradient for K014.
const AGREEMENT: f64 = 0.9;
/// Minimum number of inputs of a unit for which the signs of its gradient are meaningful.
const LEAST_FAN_IN: usize = 8;
/// Signs of weight gradients are measured in one out of this many steps.
const SIGN_STEPS: usize = 4;

/// Measures the steps of one [`Classifier`].
pub(super) struct StepProbe {
    /// Observer of both passes of a step.
    pub(super) statistics: Statistics,
    /// Measurement of the step so far.
    pub(super) measurement: StepMeasurement,
}

impl StepProbe {
    /// Creates a probe for the steps of `classifier`, which is described by `model`.
    pub(super) fn new(model: &ModelDescription, classifier: &Classifier) -> Self {
        let graph = &classifier.network.graph;
        let statistics = classifier.statistics(|node| wanted(model, graph, node));
        let layer = |(index, node): (usize, &Node)| LayerMeasurement {
            layer: index,
            units: empty_units(model, node),
            parameters: parameter_roles(graph, node),
            ..LayerMeasurement::default()
        };
        let layers = graph.nodes().iter().enumerate().map(layer).collect();
        StepProbe { statistics, measurement: StepMeasurement { layers, ..StepMeasurement::default() } }
    }

    /// Prepares for a step, counted from 0.
    pub(super) fn begin(&mut self, step: usize) {
        self.statistics.begin(step.is_multiple_of(SIGN_STEPS), false);
    }

    /// Collects the statistics of both passes, and the norms of weights and gradients before the update. Returns the
    /// norm of the whole gradient.
    pub(super) fn finish(&mut self, classifier: &Classifier) -> f64 {
        self.statistics.finish();
        for (index, measured) in self.measurement.layers.iter_mut().enumerate() {
            let id = NodeId::new(index);
            let saturates = limits(classifier.network.graph.node(id)).is_some();
            let node = *self.statistics.node(id);
            measured.output = node.output.map(|output| signal_measurement(output, saturates));
            measured.gradient = node.gradient.map(|gradient| GradientMeasurement {
                count: gradient.count,
                rms: gradient.rms() as f32,
                max_abs: gradient.max_abs,
                non_finite: gradient.non_finite,
            });
            measured.input_mean_energy = node.input_energy;
            measured.sign_agreement = node.sign_agreement.map(|agreement| agreement as f32);
            if let Some(units) = &mut measured.units {
                copy_units(self.statistics.units(id), units);
            }
        }
        let mut squares = 0.0;
        self.each_parameter(classifier, |index, measured| {
            let range = classifier.network.graph.parameters()[index].range.clone();
            let (values, gradient) = (norm(&classifier.network.parameters[range]), norm(classifier.gradient(index)));
            squares += gradient * gradient;
            *measured = ParameterMeasurement {
                role: measured.role,
                weight_norm: Some(values as f32),
                gradient_norm: Some(gradient as f32),
                non_finite: u64::from(!values.is_finite()),
                non_finite_gradient: u64::from(!gradient.is_finite()),
                ..ParameterMeasurement::default()
            };
        });
        squares.sqrt()
    }

    /// Adds the norms of the applied update.
    pub(super) fn updated(&mut self, classifier: &Classifier, learning_rate: f32) {
        self.each_parameter(classifier, |index, measured| {
            measured.update_norm = Some((f64::from(learning_rate) * norm(classifier.velocity(index))) as f32);
        });
    }

    /// Calls `change` with the index and the entry of every parameter.
    fn each_parameter(&mut self, classifier: &Classifier, mut change: impl FnMut(usize, &mut ParameterMeasurement)) {
        let mut places = vec![0; self.measurement.layers.len()];
        for (index, parameter) in classifier.network.graph.parameters().iter().enumerate() {
            let node = parameter.node.index();
            change(index, &mut self.measurement.layers[node].parameters[places[node]]);
            places[node] += 1;
        }
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}

fn wanted(model: &ModelDescription, graph: &Graph, node: &Node) -> Wanted {
    let kind = model.layers[node.id.index()].kind;
    let weight = graph.parameters_of(node.id).find(|own| own.spec.role == keel_nn::ParameterRole::Weight);
    Wanted {
        output: true,
        units: counted_units(model, node),
        limits: limits(node),
        gradient: kind.has_weight_matrix(),
        input_energy: weight.is_some(),
        sign_limit: weight.filter(|weight| weight.spec.fan_in >= LEAST_FAN_IN).map(|_| AGREEMENT),
    }
}

/// Returns the number of units of an activation whose firing is counted; 0 for other layers.
fn counted_units(model: &ModelDescription, node: &Node) -> usize {
    let layer = &model.layers[node.id.index()];
    layer.units.filter(|_| layer.kind == LayerKind::Activation).unwrap_or(0)
}

fn empty_units(model: &ModelDescription, node: &Node) -> Option<UnitMeasurement> {
    let units = counted_units(model, node);
    let saturated = if limits(node).is_some() { units } else { 0 };
    let empty = UnitMeasurement { saturated_counts: vec![0; saturated], ..UnitMeasurement::with_units(units) };
    (units > 0).then_some(empty)
}

/// Returns the limits beyond which outputs are saturated, or `None` for a node that does not saturate.
fn limits(node: &Node) -> Option<Limits> {
    let saturation = node.op.activation().and_then(|activation| activation.saturation())?;
    Some(Limits { low: saturation.low, high: saturation.high })
}

fn parameter_roles(graph: &Graph, node: &Node) -> Vec<ParameterMeasurement> {
    let role = |role| match role {
        keel_nn::ParameterRole::Weight => ParameterRole::Weight,
        keel_nn::ParameterRole::Bias => ParameterRole::Bias,
        keel_nn::ParameterRole::Scale => ParameterRole::Scale,
        keel_nn::ParameterRole::Shift => ParameterRole::Shift,
        keel_nn::ParameterRole::Slope => ParameterRole::Other,
    };
    let entry = |role| ParameterMeasurement { role, ..ParameterMeasurement::default() };
    graph.parameters_of(node.id).map(|parameter| entry(role(parameter.spec.role))).collect()
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

fn copy_units(counts: &mut UnitCounts, units: &mut UnitMeasurement) {
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
