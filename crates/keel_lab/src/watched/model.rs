//! A network and its data as described to the health rules.

use keel_health::measurement::{
    ActivationFunction, DataMeasurement, FeatureStatistics, LayerDescription, LayerKind, LossKind, ModelDescription,
};
use keel_nn::graph::{Graph, Node};
use keel_nn::layers::RunningStatistics;
use keel_nn::{InitSpec, Op, ParameterRole, Shape, Value};

use crate::recipe::Samples;
use crate::samples::Part;
use crate::statistics::Moments;
use crate::training::Schedule;

/// Describes the network of `graph`: one layer per node, in the same order.
pub(super) fn describe_model(graph: &Graph, samples: &Samples, schedule: Schedule) -> ModelDescription {
    ModelDescription {
        layers: graph.nodes().iter().map(|node| describe_layer(graph, node)).collect(),
        loss: Some(LossKind::CrossEntropy),
        classes: Some(samples.task.classes),
        pretrained: Some(false),
        learning_rate: Some(schedule.learning_rate),
        optimizer: Some("sgd".to_owned()),
        weight_decay: Some(0.0),
        batch_size: Some(schedule.batch as u64),
        samples_per_epoch: Some(samples.parts.train.len() as u64),
        ..ModelDescription::default()
    }
}

fn describe_layer(graph: &Graph, node: &Node) -> LayerDescription {
    let parameters = || graph.parameters_of(node.id);
    let weight = parameters().find(|parameter| parameter.spec.role == ParameterRole::Weight);
    let initializer = weight.map(|weight| weight.spec.init.unwrap_or(InitSpec::Auto).resolve(node.followed_by).name());
    let inputs = node.inputs.iter().filter_map(|input| match input {
        Value::Input => None,
        Value::Node(from) => Some(from.index()),
    });
    let momentum = match &node.op {
        Op::BatchNorm(norm) => (norm.spec().running == RunningStatistics::Ema).then_some(norm.spec().momentum),
        _ => None,
    };
    let function = |name| ActivationFunction::named(name).unwrap_or(ActivationFunction::Other);
    LayerDescription {
        name: node.name.clone(),
        kind: LayerKind::named(node.op.kind()).unwrap_or(LayerKind::Other),
        inputs: inputs.collect(),
        function: node.op.activation().map(|activation| function(activation.name())),
        units: Some(node.op.output_shape().channels()),
        fan_in: weight.map(|weight| weight.spec.fan_in),
        initializer: initializer.map(str::to_owned),
        bias: parameters().any(|parameter| parameter.spec.role == ParameterRole::Bias),
        momentum,
        ..LayerDescription::default()
    }
}

/// Measures the training samples as given to the network.
pub(super) fn measure_data(samples: &Samples) -> DataMeasurement {
    let train = &samples.parts.train;
    let images = matches!(samples.task.input, Shape::Image { .. });
    let count = train.len() as f32;
    let shares =
        class_counts(train, samples.task.classes).into_iter().map(|count_of_class| count_of_class as f32 / count);
    DataMeasurement {
        samples: train.len() as u64,
        features: features(train, samples.task.input.channels()),
        class_shares: shares.collect(),
        largest_label: train.labels.iter().max().map(|&label| u64::from(label)),
        non_finite: train.inputs.iter().filter(|value| !value.is_finite()).count() as u64,
        preprocessing: samples.steps.clone(),
        images,
        ..DataMeasurement::default()
    }
}

/// Returns statistics of every column, or of every channel of images.
fn features(train: &Part, channels: usize) -> Vec<FeatureStatistics> {
    let feature = |channel: usize| {
        let values = || train.inputs.iter().skip(channel).step_by(channels).copied();
        let Moments { mean, std, .. } = Moments::of(values().map(f64::from));
        let (low, high) = (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max));
        FeatureStatistics { mean: mean as f32, std: std as f32, range: Some((low, high)) }
    };
    (0..channels).map(feature).collect()
}

/// Counts the samples of every class.
pub(super) fn class_counts(part: &Part, classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes];
    part.labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts
}
