//! The model as seen by the rules: the layers of the config, regardless of fusion by the executor.

use keel_health::measurement::{ActivationFunction, LayerDescription, LayerKind, LossKind, ModelDescription};
use keel_nn::activations::Activation;
use keel_nn::graph::{Graph, Node};
use keel_nn::layers::RunningStatistics;
use keel_nn::{InitSpec, Op, ParameterRole, Trained, Value};

use crate::Config;
use crate::session::Session;

/// Describes the model of `session`, made from `config`, for [`keel_health`]: one layer per node of its graph, in the same order,
/// so that rules do not depend on fusion.
pub fn describe_model(config: &Config, session: &Session) -> ModelDescription {
    let graph = &session.network().graph;
    let in_config = !config.model.layers.is_empty();
    let layers = graph.nodes().iter().map(|node| {
        let written = in_config && node.place.is_written;
        let config_key = written.then(|| format!("model.layers.{}", node.place));
        LayerDescription { config_key, ..describe_layer(graph, node) }
    });
    let objective = session.objective();
    let classes = objective.class_names().len();
    let clip_norm = config.optimizer.clip_norm() as f32;
    ModelDescription {
        layers: layers.collect(),
        loss: LossKind::named(objective.loss_spec().name()),
        classes: (classes > 0).then_some(classes),
        members: (objective.members() > 1).then_some(objective.members()),
        unlisted_functions: false,
        pretrained: Some(!config.model.weights.is_empty()),
        learning_rate: Some(config.optimizer.learning_rate() as f32),
        optimizer: Some(config.optimizer.name().to_owned()),
        weight_decay: Some(config.optimizer.weight_decay() as f32),
        clip_norm: (clip_norm > 0.0).then_some(clip_norm),
        batch_size: Some(config.train.batch_size as u64),
        epochs: Some(config.train.epochs),
        samples_per_epoch: Some(session.data().train.len() as u64),
    }
}

fn describe_layer(graph: &Graph, node: &Node) -> LayerDescription {
    let parameters = || graph.parameters_of(node.id);
    let weight = parameters().find(|parameter| parameter.spec.role == ParameterRole::Weight);
    let initializer = weight.map(|weight| {
        let init = weight.spec.init.unwrap_or(InitSpec::Auto);
        init.resolve(node.followed_by).name().to_owned()
    });
    let inputs = node.inputs.iter().filter_map(|input| match input {
        Value::Input => None,
        Value::Node(from) => Some(from.index()),
    });
    let momentum = match &node.op {
        Op::BatchNorm(norm) => (norm.spec().running == RunningStatistics::Ema).then_some(norm.spec().momentum),
        _ => None,
    };
    let probability = match &node.op {
        Op::Dropout(dropout) => Some(dropout.probability()),
        _ => None,
    };
    LayerDescription {
        name: node.name.clone(),
        kind: layer_kind(&node.op),
        inputs: inputs.collect(),
        function: node.op.activation().map(function),
        units: Some(node.op.output_shape().channels()),
        fan_in: weight.map(|weight| weight.spec.fan_in),
        initializer,
        bias: parameters().any(|parameter| parameter.spec.role == ParameterRole::Bias),
        frozen: parameters().next().is_some() && parameters().all(|parameter| parameter.trained != Trained::Always),
        momentum,
        probability,
        config_key: None,
    }
}

/// Returns the kind of a layer. A layer unknown to the rules is of kind other, and so is every custom layer, whatever its name.
fn layer_kind(op: &Op) -> LayerKind {
    match op {
        Op::Custom(_) => LayerKind::Other,
        op => LayerKind::named(op.kind()).unwrap_or(LayerKind::Other),
    }
}

/// Returns the kind of a function. A function unknown to the rules is of kind other.
fn function(activation: Activation) -> ActivationFunction {
    ActivationFunction::named(activation.name()).unwrap_or(ActivationFunction::Other)
}

#[cfg(test)]
mod tests {
    use keel_nn::activations::{Saturation, all};

    use super::*;

    #[test]
    fn the_rules_know_every_layer_and_loss_but_a_few() {
        let layers = keel_nn::layers::CATALOG.iter().map(|entry| entry.name);
        let unknown: Vec<&str> = layers.filter(|name| LayerKind::named(name).is_none()).collect();
        assert_eq!(unknown, ["rescale", "residual", "members", "custom"], "a residual block is described by its parts");
        let losses = keel_nn::losses::catalog().into_iter().map(|entry| entry.name);
        let unknown: Vec<&str> = losses.filter(|name| LossKind::named(name).is_none()).collect();
        assert_eq!(unknown, ["custom"]);
    }

    #[test]
    fn the_rules_know_every_activation() {
        for activation in all() {
            let known = function(activation);
            assert_ne!(known, ActivationFunction::Other, "{activation}");
            let flat = activation.saturation().is_some_and(Saturation::is_two_sided);
            assert_eq!(known.saturates(), flat, "{activation}");
        }
    }
}
