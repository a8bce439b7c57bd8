//! Folding by the formula: `w' = w γ/√(σ² + ε)`, `b' = β + (b − μ) γ/√(σ² + ε)` for each output channel.

use keel_nn::{Network, Op, ParameterRole, Value};
use serde::Serialize;

/// Values of one channel of a batch norm, and the folded ones.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Channel {
    pub(crate) gamma: f64,
    pub(crate) beta: f64,
    pub(crate) mean: f64,
    /// √(σ² + ε)
    pub(crate) deviation: f64,
    /// Factor of the channel's weights.
    pub(crate) factor: f64,
    /// New bias.
    pub(crate) bias: f64,
}

/// A batch norm with the map before it, as ranges in the buffers of the network.
struct Fold {
    /// Weights of the map, output channels last.
    weights: std::ops::Range<usize>,
    channels: Vec<Channel>,
}

/// Returns the channels of the first batch norm.
pub(crate) fn channels(network: &Network) -> Vec<Channel> {
    folds(network).into_iter().next().map(|fold| fold.channels).unwrap_or_default()
}

/// Returns the number of channels of all batch norms.
pub(crate) fn normed_channels(network: &Network) -> usize {
    folds(network).iter().map(|fold| fold.channels.len()).sum()
}

/// Writes the folded weights of `normed` to `plain`, which has the same maps, each with a bias, and no batch norm.
pub(crate) fn fold(normed: &Network, plain: &mut Network) {
    let folds = folds(normed);
    let maps: Vec<std::ops::Range<usize>> = plain
        .graph
        .nodes()
        .iter()
        .filter(|node| node.op.has_weight_matrix())
        .map(|node| node.parameters.clone())
        .collect();
    for (fold, place) in folds.iter().zip(&maps) {
        let channels = fold.channels.len();
        let (weights, bias) = plain.parameters[place.clone()].split_at_mut(fold.weights.len());
        for (index, (folded, &weight)) in weights.iter_mut().zip(&normed.parameters[fold.weights.clone()]).enumerate() {
            *folded = (f64::from(weight) * fold.channels[index % channels].factor) as f32;
        }
        bias.iter_mut().zip(&fold.channels).for_each(|(bias, channel)| *bias = channel.bias as f32);
    }
    if maps.len() == folds.len() {
        return;
    }
    // The scores are not followed by batch norm.
    let last = normed.graph.nodes().iter().rfind(|node| node.op.has_weight_matrix());
    if let (Some(last), Some(place)) = (last, maps.last()) {
        plain.parameters[place.clone()].copy_from_slice(&normed.parameters[last.parameters.clone()]);
    }
}

/// Returns every batch norm that reads a map, in network order.
fn folds(network: &Network) -> Vec<Fold> {
    let graph = &network.graph;
    let mut folds = Vec::new();
    for node in graph.nodes() {
        let (Op::BatchNorm(norm), [Value::Node(before)]) = (&node.op, &node.inputs[..]) else { continue };
        let (parameters, state) = (&network.parameters[node.parameters.clone()], &network.state[node.state.clone()]);
        let places = norm.running_places(0);
        let (gamma, beta) = parameters.split_at(norm.channels());
        let of_map = |role| graph.parameters_of(*before).find(|parameter| parameter.spec.role == role);
        let Some(weights) = of_map(ParameterRole::Weight) else { continue };
        let own_bias = of_map(ParameterRole::Bias).map(|bias| &network.parameters[bias.range.clone()]);
        let channel = |channel: usize| {
            let [gamma, beta] = [gamma[channel], beta[channel]].map(f64::from);
            let mean = f64::from(state[places.mean.clone()][channel]);
            let variance = f64::from(state[places.variance.clone()][channel]);
            let deviation = (variance + f64::from(norm.spec().epsilon)).sqrt();
            let factor = gamma / deviation;
            let own = own_bias.map_or(0.0, |bias| f64::from(bias[channel]));
            Channel { gamma, beta, mean, deviation, factor, bias: beta + (own - mean) * factor }
        };
        let channels = (0..norm.channels()).map(channel).collect();
        folds.push(Fold { weights: weights.range.clone(), channels });
    }
    folds
}
