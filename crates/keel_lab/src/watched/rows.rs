//! Rows of the table of layers: one for each weight layer with the layers that follow it.

use keel_health::Finding;
use keel_health::measurement::{LayerMeasurement, ParameterRole};
use keel_nn::NodeId;
use serde::Serialize;

use super::WatchedRun;

/// A weight layer and the layers after it up to the next one, with their measurements.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LayerRow {
    /// Names of the layers, as used in findings.
    pub(crate) layers: Vec<String>,
    /// Standard deviation of z, the output of the weight layer.
    pub(crate) z_std: Option<f64>,
    /// Standard deviation of the outputs of the activation.
    pub(crate) output_std: Option<f64>,
    /// Share of the outputs of the activation that are zero.
    pub(crate) zeros: Option<f64>,
    /// Share of saturated outputs of the activation; `None` if it does not saturate.
    pub(crate) saturated: Option<f64>,
    /// Share of units that never fired over a whole interval of samples.
    pub(crate) silent: Option<f64>,
    /// Root mean square of the gradient with respect to the weights.
    pub(crate) gradient_rms: Option<f64>,
    /// Norm of the weight update divided by the weight norm.
    pub(crate) update_ratio: Option<f64>,
    /// Codes of the findings about these layers.
    pub(crate) findings: Vec<String>,
}

/// Returns the rows of a run at its latest step, with the codes of `findings`.
pub(crate) fn layer_rows(run: &WatchedRun, findings: &[Finding]) -> Vec<LayerRow> {
    let model = run.monitor().model();
    let measured = &run.latest().layers;
    let starts: Vec<usize> = model.weight_layers().collect();
    let mut rows = Vec::with_capacity(starts.len());
    for (place, &first) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(model.layers.len());
        let named =
            (first..end).filter(|&layer| model.layers[layer].kind != keel_health::measurement::LayerKind::Flatten);
        let layers: Vec<String> = named.map(|layer| model.name(layer)).collect();
        let activation = (first..end).find(|&layer| model.layers[layer].function.is_some());
        let output = |layer: usize| measured.get(layer).and_then(|layer| layer.output);
        let of_activation = activation.and_then(output);
        let units = activation.and_then(|layer| run.monitor().history().units(layer));
        let silent = units.map(|units| units.dead_units().count() as f64 / units.units().max(1) as f64);
        let about = |finding: &&Finding| finding.layer.as_ref().is_some_and(|layer| layers.contains(layer));
        let mut codes: Vec<String> = findings.iter().filter(about).map(|finding| finding.code.clone()).collect();
        codes.sort_unstable();
        codes.dedup();
        let weight = measured.get(first).and_then(weight);
        let entries = weight_entries(run, first);
        rows.push(LayerRow {
            z_std: output(first).and_then(|z| finite(z.std)),
            output_std: of_activation.and_then(|output| finite(output.std)),
            zeros: of_activation.and_then(|output| output.zero_fraction).and_then(finite),
            saturated: of_activation.and_then(|output| output.saturated_fraction).and_then(finite),
            silent,
            gradient_rms: weight.and_then(|own| own.gradient_norm).and_then(finite).map(|norm| norm / entries),
            update_ratio: weight.and_then(|own| finite(own.update_norm? / own.weight_norm.filter(|norm| *norm > 0.0)?)),
            findings: codes,
            layers,
        });
    }
    rows
}

fn weight(layer: &LayerMeasurement) -> Option<&keel_health::measurement::ParameterMeasurement> {
    layer.parameters.iter().find(|parameter| parameter.role == ParameterRole::Weight)
}

/// Returns the square root of the number of weights of a layer.
fn weight_entries(run: &WatchedRun, layer: usize) -> f64 {
    let graph = &run.classifier.network.graph;
    let weights = graph.parameters_of(NodeId::new(layer)).find(|own| own.spec.role == keel_nn::ParameterRole::Weight);
    weights.map_or(1.0, |weights| (weights.range.len() as f64).sqrt())
}

fn finite(value: f32) -> Option<f64> {
    value.is_finite().then(|| f64::from(value))
}
