//! Signal of every layer: theory, before the first step, and at the last step.

use keel_health::measurement::StepMeasurement;
use keel_nn::activations::Activation;
use keel_nn::init::Fan;
use keel_nn::{InitSpec, Op, ParameterRole, ParameterSpec};
use serde::Serialize;

use crate::recipe::{Norm, Recipe};
use crate::signal::{normal_moments, weight_std};
use crate::statistics::Moments;
use crate::watched::WatchedRun;

/// Standard deviation of z, the output of a layer with weights.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SignalPoint {
    /// Number of the layer, from 1.
    pub(super) layer: usize,
    /// Value for an infinitely wide network with these weights; `None` for convolutions and weights that are not drawn
    /// independently.
    pub(super) theory: Option<f64>,
    /// Measured before the first step.
    pub(super) start: Option<f64>,
    /// Measured at the last step.
    pub(super) now: Option<f64>,
}

/// Returns the signal of all layers with weights: `Var(z) = fan_in · Var(w) · E[h²]`, where h is the output of the
/// layer before.
pub(super) fn along(run: &WatchedRun, recipe: &Recipe) -> Vec<SignalPoint> {
    let graph = run.network().graph.clone();
    let mut second_moment = Some(Moments::of_slice(&run.samples().parts.train.inputs).second_moment);
    let mut points = Vec::new();
    for parameter in graph.parameters().iter().filter(|parameter| parameter.spec.role == ParameterRole::Weight) {
        let node = graph.node(parameter.node);
        let following = node.followed_by.unwrap_or(Activation::Identity);
        let init = recipe.start.init().resolve(node.followed_by);
        let std = weight_std(init, following, fan(init, &parameter.spec));
        let known = second_moment.filter(|_| matches!(node.op, Op::Linear(_))).zip(std);
        let variance = known.map(|(moment, std)| parameter.spec.fan_in as f64 * std * std * moment);
        let handed_on = if recipe.norm == Norm::Batch { variance.map(|_| 1.0) } else { variance };
        second_moment = handed_on.map(|variance| normal_moments(recipe.activation, variance.sqrt()).second_moment);
        let measured = |step: &StepMeasurement| {
            let output = step.layer(parameter.node.index()).and_then(|layer| layer.output);
            output.map(|output| f64::from(output.std)).filter(|std| std.is_finite())
        };
        points.push(SignalPoint {
            layer: points.len() + 1,
            theory: variance.map(f64::sqrt).filter(|std| std.is_finite()),
            start: measured(run.start()),
            now: measured(run.latest()),
        });
    }
    points
}

/// Returns the number of connections that the variance of the weights is divided by.
fn fan(init: InitSpec, spec: &ParameterSpec) -> usize {
    match init {
        InitSpec::XavierNormal(xavier) if xavier.fan == Fan::Average => (spec.fan_in + spec.fan_out).div_ceil(2),
        _ => spec.fan_in,
    }
}
