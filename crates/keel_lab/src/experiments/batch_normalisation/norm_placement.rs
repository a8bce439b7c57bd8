//! Placement of batch norm: before or after the activation, after linear layers and in conv - bn - relu stacks; and the
//! effect of a bias before it.

mod page;

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, MaxPoolSpec};
use keel_nn::{Network, NodeId, RandomKey};
use keel_page::Text;
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::loss_curve::{LossPoint, averaged};
use crate::samples::{CLASSES, Digits, Parts, Task};
use crate::statistics::{Moments, fraction};
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<NormPlacement>();

struct NormPlacement;

impl Experiment for NormPlacement {
    const NAME: &'static str = "norm_placement";
    const TITLE: [&'static str; 2] = ["Where batch norm goes", "批量归一化放在哪里"];
    const SUMMARY: [&'static str; 2] = [
        "Batch norm before the activation, after it and nowhere, in stacks of linear layers and of convolutions; and the bias it makes useless.",
        "在线性层与卷积层堆叠中，把批量归一化放在激活之前、之后或不用；以及因它而失去作用的偏置。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let measured = STACKS.iter().map(|stack| {
            let placements =
                Placement::ALL.into_iter().map(|placement| measure(config, stack, placement, &digits, seed));
            Ok(StackFigures { stack: stack.name, placements: placements.collect::<Result<_, LabError>>()? })
        });
        let stacks = measured.collect::<Result<_, LabError>>()?;
        let bias_before_norm = bias_before_norm(config, &digits, seed)?;
        let Config { width, depth, channels, steps, batch, learning_rate, .. } = *config;
        Ok(Document { seed, width, depth, channels, steps, batch, learning_rate, stacks, bias_before_norm })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Number of steps over which the loss is averaged for the curves.
const WINDOW: usize = 10;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each linear layer.
    #[schemars(extend("zh" = "每个线性层的单元数。"))]
    #[schemars(range(min = 2, max = 1024))]
    width: usize,
    /// Hidden linear layers.
    #[schemars(extend("zh" = "线性隐藏层数。"))]
    #[schemars(range(min = 1, max = 30))]
    depth: usize,
    /// Channels of the first convolution; the second has twice as many.
    #[schemars(extend("zh" = "第一个卷积层的通道数；第二个加倍。"))]
    #[schemars(range(min = 1, max = 128))]
    channels: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Learning rate.
    #[schemars(extend("zh" = "学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// Number of runs of each placement.
    #[schemars(extend("zh" = "每种放法的训练次数。"))]
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 64, depth: 4, channels: 8, steps: 150, batch: 32, learning_rate: 0.02, seeds: 3 }
    }
}

/// Position of batch norm.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Placement {
    Before,
    After,
    #[serde(rename = "none")]
    Nowhere,
}

impl Placement {
    const ALL: [Placement; 3] = [Placement::Before, Placement::After, Placement::Nowhere];

    /// Returns the displayed name.
    fn title(self) -> Text {
        match self {
            Placement::Before => Text::new("before activation", "激活之前"),
            Placement::After => Text::new("after activation", "激活之后"),
            Placement::Nowhere => Text::new("no batch norm", "无批量归一化"),
        }
    }

    /// Returns `map`, activation and batch norm in the order of the placement.
    fn block(self, map: LayerSpec, activation: Activation) -> Vec<LayerSpec> {
        let norm = LayerSpec::BatchNorm(BatchNormSpec::default());
        let activation = LayerSpec::Activation(activation);
        match self {
            Placement::Before => vec![map, norm, activation],
            Placement::After => vec![map, activation, norm],
            Placement::Nowhere => vec![map, activation],
        }
    }
}

/// A network before batch norm is inserted.
struct Stack {
    name: &'static str,
    activation: Activation,
    map: Map,
}

const STACKS: [Stack; 4] = [
    Stack { name: "linear, sigmoid", activation: Activation::Sigmoid, map: Map::Linear },
    Stack { name: "linear, tanh", activation: Activation::Tanh, map: Map::Linear },
    Stack { name: "linear, relu", activation: Activation::Relu, map: Map::Linear },
    Stack { name: "convolution, relu", activation: Activation::Relu, map: Map::Convolution },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    Linear,
    Convolution,
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    channels: usize,
    steps: usize,
    batch: usize,
    learning_rate: f64,
    /// Stacks in the order of [`STACKS`].
    stacks: Vec<StackFigures>,
    bias_before_norm: BiasGradients,
}

/// Numbers of one stack.
#[derive(Serialize)]
struct StackFigures {
    stack: &'static str,
    placements: Vec<PlacementFigures>,
}

/// Runs of one stack with one placement.
#[derive(Serialize)]
struct PlacementFigures {
    placement: Placement,
    /// Mean of `accuracies`.
    test_accuracy: f64,
    /// Standard deviation of `accuracies`.
    spread: f64,
    /// One per seed.
    accuracies: Vec<f64>,
    handed_on: HandedOn,
    curve: Vec<LossPoint>,
}

/// Moments of the inputs of the last linear layer after the first run.
#[derive(Default, Serialize)]
struct HandedOn {
    mean: f64,
    std: f64,
    zero_fraction: f64,
}

/// Root mean squares of gradients with respect to the weights and the bias before batch norm, and to a bias without it.
#[derive(Serialize)]
struct BiasGradients {
    weight_rms: f64,
    bias_rms: f64,
    bias_rms_without_norm: f64,
}

/// Returns the layers of one network.
fn layers(config: &Config, stack: &Stack, placement: Placement) -> Vec<LayerSpec> {
    let Stack { activation, map, .. } = *stack;
    let bias = placement == Placement::Nowhere;
    let mut layers = match map {
        Map::Linear => {
            let linear = LayerSpec::Linear(LinearSpec { bias, ..LinearSpec::new(config.width) });
            repeated(&placement.block(linear, activation), config.depth)
        }
        Map::Convolution => {
            let convolution = |channels| LayerSpec::Conv2d(Conv2dSpec { bias, ..Conv2dSpec::new(channels, 3) });
            let mut layers = placement.block(convolution(config.channels), activation);
            layers.push(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
            layers.extend(placement.block(convolution(2 * config.channels), activation));
            layers.push(LayerSpec::Flatten(FlattenSpec::default()));
            layers
        }
    };
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    layers
}

/// Trains all runs of one placement; the inputs of the last layer are measured after the first.
fn measure(
    config: &Config,
    stack: &Stack,
    placement: Placement,
    digits: &Parts,
    seed: u64,
) -> Result<PlacementFigures, LabError> {
    let task = if stack.map == Map::Linear { Task::DIGITS } else { Task::DIGIT_IMAGES };
    let layers = layers(config, stack, placement);
    let (mut accuracies, mut curve, mut handed_on) = (Vec::new(), vec![0.0; config.steps], HandedOn::default());
    for offset in 0..config.seeds {
        let key = RandomKey::new(seed.wrapping_add(offset as u64));
        let mut classifier = Classifier::for_task(task, &layers, config.batch, key)?;
        let rate = config.learning_rate as f32;
        let schedule = Schedule { learning_rate: rate, momentum: 0.9, batch: config.batch, steps: config.steps };
        for (sum, loss) in curve.iter_mut().zip(classifier.train(&digits.train, schedule)) {
            *sum += loss / config.seeds as f64;
        }
        accuracies.push(classifier.evaluate(&digits.test).accuracy);
        if offset == 0 {
            let given: Vec<NodeId> = last_input(&classifier.network).into_iter().collect();
            let outputs = classifier.outputs_of(&given, &digits.test);
            let values = given.first().map_or(&[][..], |&node| outputs.output(node));
            let Moments { mean, std, .. } = Moments::of_slice(values);
            handed_on = HandedOn { mean, std, zero_fraction: fraction(values, |value| value == 0.0) };
        }
    }
    let Moments { mean, std, .. } = Moments::of(accuracies.iter().copied());
    let curve = averaged(&curve, WINDOW);
    Ok(PlacementFigures { placement, test_accuracy: mean, spread: std, accuracies, handed_on, curve })
}

/// Returns the node whose output the last linear layer reads.
fn last_input(network: &Network) -> Option<NodeId> {
    // Flattening does not change the values.
    match network.graph.last_weight_node().map(|node| network.graph.storage(node.inputs[0])) {
        Some(keel_nn::Value::Node(id)) => Some(id),
        _ => None,
    }
}

/// Returns the magnitudes of the gradients with respect to a bias before batch norm, to the weights of the same layer,
/// and to a bias without batch norm.
fn bias_before_norm(config: &Config, digits: &Parts, seed: u64) -> Result<BiasGradients, LabError> {
    let gradients = |placement: Placement| -> Result<[f64; 2], LabError> {
        let linear = LayerSpec::Linear(LinearSpec::new(config.width));
        let mut layers = placement.block(linear, Activation::Relu);
        layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
        let batch = 64;
        let mut classifier = Classifier::new(&layers, batch, RandomKey::new(seed))?;
        classifier.differentiate(&digits.train.take(&(0..batch).collect::<Vec<usize>>()), 0);
        let rms = |parameter: usize| Moments::of_slice(classifier.gradient(parameter)).second_moment.sqrt();
        Ok([rms(0), rms(1)])
    };
    let ([weight_rms, bias_rms], [_, free]) = (gradients(Placement::Before)?, gradients(Placement::Nowhere)?);
    Ok(BiasGradients { weight_rms, bias_rms, bias_rms_without_norm: free })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norm_behind_the_activation_centres_and_a_bias_before_it_is_useless() {
        let config = Config { seeds: 1, steps: 40, width: 32, depth: 3, ..Config::default() };
        let document = NormPlacement::compute(&config, 0).unwrap();
        for stack in &document.stacks[2..] {
            let [before, after, _] = &stack.placements[..] else { panic!("three placements") };
            assert!(before.handed_on.mean > 0.2, "relu hands on positive values");
            assert!(after.handed_on.mean.abs() < 0.2, "batch norm after it centres them");
            assert!(before.handed_on.zero_fraction > 0.25);
            assert!(before.test_accuracy > 0.8, "{}", before.test_accuracy);
        }
        let [before, _, nowhere] = &document.stacks[0].placements[..] else { panic!("three placements") };
        assert!(before.test_accuracy > nowhere.test_accuracy + 0.3, "the deep sigmoid needs it");
        let bias = &document.bias_before_norm;
        assert!(bias.bias_rms < 1e-4 * bias.bias_rms_without_norm, "{} {}", bias.bias_rms, bias.bias_rms_without_norm);
    }
}
