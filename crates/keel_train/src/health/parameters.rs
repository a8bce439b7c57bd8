//! Weights, gradients and updates of every parameter, from the norms that the update computes anyway.

use keel_health::measurement::{LayerMeasurement, ParameterMeasurement, ParameterRole};
use keel_nn::Trained;
use keel_nn::graph::{Graph, Parameter};

use crate::optimizers::SegmentNorms;

/// Returns an empty [`LayerMeasurement`] for every node of `graph`, with an entry for each of its parameters.
pub(super) fn empty_measurements(graph: &Graph) -> Vec<LayerMeasurement> {
    let of_layer = |layer| LayerMeasurement { layer, ..LayerMeasurement::default() };
    let mut layers: Vec<LayerMeasurement> = (0..graph.nodes().len()).map(of_layer).collect();
    for parameter in graph.parameters() {
        let role = role(parameter.spec.role);
        layers[parameter.node.index()]
            .parameters
            .push(ParameterMeasurement { role, ..ParameterMeasurement::default() });
    }
    layers
}

/// Weight decay of an update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecayTerm {
    /// Configured weight decay.
    pub weight_decay: f64,
    /// Learning rate of the step, if the decay is not included in the optimizer's averages (AdamW); `None` if it is part of the
    /// gradient.
    pub decoupled_rate: Option<f64>,
}

impl DecayTerm {
    /// Returns the norm of the decay of weights with these `norms`, on the scale of their gradient: `decay * weights`; for
    /// decoupled decay, the gradient times the decay's fraction of the update.
    fn norm(self, norms: &SegmentNorms) -> f64 {
        match self.decoupled_rate {
            None => self.weight_decay * norms.values,
            Some(_) if norms.update <= 0.0 => 0.0,
            Some(rate) => norms.gradient * rate * self.weight_decay * norms.values / norms.update,
        }
    }
}

/// Fills in the parameters of `layers`, made for `graph`, from the `norms` of an update with weight decay `decay`.
pub fn measure_parameters(graph: &Graph, norms: &[SegmentNorms], decay: DecayTerm, layers: &mut [LayerMeasurement]) {
    let mut previous = None;
    let mut place = 0;
    for (parameter, norms) in graph.parameters().iter().zip(norms) {
        place = if Some(parameter.node) == previous { place + 1 } else { 0 };
        previous = Some(parameter.node);
        let measured = &mut layers[parameter.node.index()].parameters[place];
        if *norms == SegmentNorms::default() && rests_beside_others(graph, parameter) {
            *measured = ParameterMeasurement { role: measured.role, ..ParameterMeasurement::default() };
            continue;
        }
        let decays = parameter.spec.role == keel_nn::ParameterRole::Weight && decay.weight_decay > 0.0;
        *measured = ParameterMeasurement {
            role: measured.role,
            weight_norm: Some(norms.values as f32),
            gradient_norm: Some(norms.gradient as f32),
            update_norm: Some(norms.update as f32),
            decay_norm: decays.then(|| decay.norm(norms) as f32),
            non_finite: u64::from(!norms.values.is_finite()),
            non_finite_gradient: u64::from(!norms.gradient.is_finite()),
        };
    }
}

/// Returns true for a parameter that is not trained on purpose, always or after its epochs, in a layer that is trained: there is
/// nothing to measure.
fn rests_beside_others(graph: &Graph, parameter: &Parameter) -> bool {
    parameter.trained != Trained::Always
        && graph.parameters_of(parameter.node).any(|own| own.trained == Trained::Always)
}

/// Measures parameters like [`measure_parameters`] for a step whose update was not applied: non-finite entries of `values` and
/// `gradients`, no norms.
pub(super) fn measure_failed_parameters(
    graph: &Graph,
    values: &[f32],
    gradients: &[f32],
    layers: &mut [LayerMeasurement],
) {
    let bad = |values: &[f32]| values.iter().filter(|value| !value.is_finite()).count() as u64;
    layers.iter_mut().for_each(|layer| layer.parameters.clear());
    for parameter in graph.parameters() {
        layers[parameter.node.index()].parameters.push(ParameterMeasurement {
            role: role(parameter.spec.role),
            non_finite: bad(&values[parameter.range.clone()]),
            non_finite_gradient: bad(&gradients[parameter.range.clone()]),
            ..ParameterMeasurement::default()
        });
    }
}

fn role(role: keel_nn::ParameterRole) -> ParameterRole {
    match role {
        keel_nn::ParameterRole::Weight => ParameterRole::Weight,
        keel_nn::ParameterRole::Bias => ParameterRole::Bias,
        keel_nn::ParameterRole::Scale => ParameterRole::Scale,
        keel_nn::ParameterRole::Shift => ParameterRole::Shift,
        keel_nn::ParameterRole::Slope => ParameterRole::Other,
    }
}
