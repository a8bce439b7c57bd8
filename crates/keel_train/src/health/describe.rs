//! The model as the rules see it: the layers of the config, whatever the executor joins for speed.

use keel_health::measurement::{ActivationFunction, LayerDescription, LayerKind, LossKind, ModelDescription};
use keel_nn::graph::{Graph, Node};
use keel_nn::init::InitSpec;
use keel_nn::layers::{LayerSpec, RunningStatistics};
use keel_nn::losses::LossSpec;
use keel_nn::{ParameterRole, Value};

use crate::Config;
use crate::error::TrainError;
use crate::trainer::{Session, build_layers};

/// Where a layer of the description lies in the graph that is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerPlace {
    /// Index of its node.
    pub node: usize,
    /// Index among the layers the node stands for.
    pub part: usize,
}

/// Describes the model of `session` for [`keel_health`]. The layers are those before fusion, so names are those of
/// [`Session::layers`] or their parts, and a rule never depends on what was joined.
///
/// # Errors
/// As [`Session::new`], if `config` is not the one the session was made from.
pub fn describe_model(config: &Config, session: &Session) -> Result<ModelDescription, TrainError> {
    let graph = build_layers(config, session.preprocessor(), session.data().dataset.outputs())?;
    let specs = config.model.layers();
    let in_config = !config.model.layers.is_empty();
    let layers = graph.nodes().iter().enumerate().map(|(index, node)| {
        let place = graph.place(&node.name);
        let spec = place.and_then(|place| spec_at(&specs, place));
        let config_key = place.filter(|_| in_config && spec.is_some()).map(config_key);
        LayerDescription { config_key, ..describe_layer(&graph, index, node, spec) }
    });
    let objective = session.objective();
    let classes = objective.class_names().len();
    let clip_norm = config.optimizer.clip_norm() as f32;
    Ok(ModelDescription {
        layers: layers.collect(),
        loss: loss_kind(objective.loss_spec()),
        classes: (classes > 0).then_some(classes),
        members: (objective.members() > 1).then_some(objective.members()),
        learning_rate: Some(config.optimizer.learning_rate() as f32),
        optimizer: Some(config.optimizer.name().to_owned()),
        weight_decay: Some(config.optimizer.weight_decay() as f32),
        clip_norm: (clip_norm > 0.0).then_some(clip_norm),
        batch_size: Some(config.train.batch_size as u64),
        samples_per_epoch: Some(session.data().train.len() as u64),
    })
}

/// For each layer of `model`, in order, the node of `graph` that does its work. A node that does the work of several
/// layers carries their names, joined by ` + `.
///
/// # Panics
/// If `model` does not describe `graph`.
pub fn layer_places(model: &ModelDescription, graph: &Graph) -> Vec<LayerPlace> {
    let place = |name: &str| {
        let mut nodes = graph.nodes().iter().enumerate();
        nodes.find_map(|(node, entry)| {
            let part = entry.name.split(" + ").position(|part| part == name)?;
            Some(LayerPlace { node, part })
        })
    };
    let places = model.layers.iter().map(|layer| place(&layer.name).expect("every layer is part of one node"));
    places.collect()
}

fn describe_layer(graph: &Graph, index: usize, node: &Node, spec: Option<&LayerSpec>) -> LayerDescription {
    let parameters = || graph.parameters().iter().filter(|parameter| parameter.node == index);
    let weight = parameters().find(|parameter| parameter.spec.role == ParameterRole::Weight);
    let initializer = weight.map(|weight| {
        let init = weight.spec.init.unwrap_or(InitSpec::Auto);
        init.resolve(node.followed_by).name().to_owned()
    });
    let inputs = node.inputs.iter().filter_map(|input| match input {
        Value::Input => None,
        Value::Node(from) => Some(*from),
    });
    let kind = layer_kind(node.layer.kind());
    let momentum = match spec {
        Some(LayerSpec::BatchNorm(norm)) => (norm.running == RunningStatistics::Ema).then_some(norm.momentum),
        _ if kind == LayerKind::BatchNorm => Some(keel_nn::layers::BatchNormSpec::default().momentum),
        _ => None,
    };
    let probability = match spec {
        Some(LayerSpec::Dropout(dropout)) => Some(dropout.probability),
        _ => None,
    };
    LayerDescription {
        name: node.name.clone(),
        kind,
        inputs: inputs.collect(),
        function: node.layer.activation().map(|activation| function(activation.name())),
        units: Some(node.layer.output_shape().channels()),
        fan_in: weight.map(|weight| weight.spec.fan_in),
        initializer,
        bias: parameters().any(|parameter| parameter.spec.role == ParameterRole::Bias),
        frozen: parameters().next().is_some() && parameters().all(|parameter| parameter.frozen),
        momentum,
        probability,
        config_key: None,
    }
}

/// The entry of the config at a place such as `3.body.0`; `None` for layers the config does not spell out.
fn spec_at<'a>(specs: &'a [LayerSpec], place: &str) -> Option<&'a LayerSpec> {
    match place.split_once('.') {
        None => specs.get(place.parse::<usize>().ok()?),
        Some((index, rest)) => match specs.get(index.parse::<usize>().ok()?)? {
            LayerSpec::Residual(residual) => spec_at(&residual.body, rest.strip_prefix("body.")?),
            _ => None,
        },
    }
}

fn config_key(place: &str) -> String {
    format!("model.layers.{place}")
}

fn layer_kind(kind: &str) -> LayerKind {
    match kind {
        "linear" => LayerKind::Linear,
        "conv2d" => LayerKind::Conv2d,
        "batch_norm" => LayerKind::BatchNorm,
        "layer_norm" => LayerKind::LayerNorm,
        "group_norm" => LayerKind::GroupNorm,
        "instance_norm" => LayerKind::InstanceNorm,
        "activation" => LayerKind::Activation,
        "max_pool" => LayerKind::MaxPool,
        "avg_pool" => LayerKind::AvgPool,
        "global_avg_pool" => LayerKind::GlobalAvgPool,
        "flatten" => LayerKind::Flatten,
        "dropout" => LayerKind::Dropout,
        "add" => LayerKind::Add,
        _ => LayerKind::Other,
    }
}

fn function(name: &str) -> ActivationFunction {
    let json = serde_json::Value::String(name.to_owned());
    serde_json::from_value(json).unwrap_or(ActivationFunction::Other)
}

/// `None` for a loss the rules know nothing about.
fn loss_kind(loss: &LossSpec) -> Option<LossKind> {
    match loss {
        LossSpec::CrossEntropy { .. } => Some(LossKind::CrossEntropy),
        LossSpec::Hinge {} => Some(LossKind::Hinge),
        LossSpec::Mse {} => Some(LossKind::Mse),
        LossSpec::Huber { .. } => Some(LossKind::Huber),
        LossSpec::Bce {} => Some(LossKind::Bce),
        LossSpec::Custom(_) => None,
    }
}
