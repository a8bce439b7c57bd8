//! Units that pass no gradient for any training sample: by learning rate, bias and initial weights, for relu and
//! related functions.

pub(crate) mod page;
pub(crate) mod unit;

use keel_data::PreprocessStep;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec};
use keel_nn::layers::{LayerSpec, LinearSpec};
use keel_nn::{NodeId, RandomKey};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, Part};
use crate::training::{Classifier, Schedule};
use unit::UnitFigures;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<DeadRelu>();

struct DeadRelu;

impl Experiment for DeadRelu {
    const NAME: &'static str = "dead_relu";
    const TITLE: [&'static str; 2] = ["Dead relu: units that never learn again", "ReLU 死亡：再也学不到东西的单元"];
    const SUMMARY: [&'static str; 2] = [
        "A data cloud with a live and a dead hyperplane; and the share of units without gradient over the whole training set, by learning rate, initial bias and initial weights, for relu, leaky relu and elu.",
        "数据点云与“活”“死”两种超平面；以及在整个训练集上都没有梯度的单元比例，随学习率、初始偏置与初始权重变化，比较 ReLU、Leaky ReLU 与 ELU。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let train = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?.train;
        let sweeps = |values: &[f64], varied: fn(f64) -> Varied| -> Result<Vec<Sweep>, LabError> {
            let varied: Vec<Varied> = values.iter().copied().map(varied).collect();
            FUNCTIONS.into_iter().map(|activation| sweep(config, activation, &varied, &train, seed)).collect()
        };
        Ok(Document {
            seed,
            unit: unit::compute(RandomKey::new(seed).named("unit")),
            width: config.width,
            steps: config.steps,
            batch: config.batch,
            fixed_learning_rate: config.fixed_learning_rate,
            by_learning_rate: sweeps(&config.learning_rates, Varied::LearningRate)?,
            by_bias: sweeps(&config.biases, Varied::Bias)?,
            by_scale: sweeps(&config.scales, Varied::Scale)?,
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Maximum derivative of a unit that counts as passing no gradient.
const NO_GRADIENT: f32 = 1e-3;
const FUNCTIONS: [Activation; 3] =
    [Activation::Relu, Activation::LeakyRelu(LeakyReluSpec::DEFAULT), Activation::Elu(EluSpec::DEFAULT)];

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of the two hidden layers.
    #[schemars(extend("zh" = "两个隐藏层各自的单元数。"))]
    #[schemars(range(min = 1, max = 2048))]
    width: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 0, max = 5000))]
    steps: usize,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
    /// Learning rates to compare.
    #[schemars(extend("zh" = "要比较的学习率。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    learning_rates: Vec<f64>,
    /// Initial biases to compare.
    #[schemars(extend("zh" = "要比较的初始偏置。"))]
    #[schemars(inner(range(min = -1000.0, max = 1000.0)))]
    biases: Vec<f64>,
    /// Sizes of the initial weights to compare: standard deviations as multiples of Kaiming's.
    #[schemars(extend("zh" = "要比较的初始权重大小：标准差相对于 Kaiming 的倍数。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    scales: Vec<f64>,
    /// Learning rate of the runs that compare biases and initial weights.
    #[schemars(extend("zh" = "比较偏置与初始权重时所用的学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    fixed_learning_rate: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            width: 100,
            steps: 200,
            batch: 64,
            learning_rates: vec![0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.4],
            biases: vec![-8.0, -4.0, -2.0, -1.0, 0.0, 0.01, 1.0],
            scales: vec![0.1, 0.3, 1.0, 3.0, 10.0, 30.0],
            fixed_learning_rate: 0.05,
        }
    }
}

/// Start of a run.
#[derive(Clone, Copy)]
struct Start {
    activation: Activation,
    learning_rate: f64,
    bias: f64,
    /// Standard deviation of the weights as a multiple of Kaiming's.
    scale: f64,
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    unit: UnitFigures,
    width: usize,
    steps: usize,
    batch: usize,
    fixed_learning_rate: f64,
    by_learning_rate: Vec<Sweep>,
    by_bias: Vec<Sweep>,
    by_scale: Vec<Sweep>,
}

/// Runs of one function that differ in one setting.
#[derive(Serialize)]
struct Sweep {
    activation: &'static str,
    runs: Vec<Run>,
}

/// A training run.
#[derive(Serialize)]
struct Run {
    /// True if a weight is no longer finite; units are not counted in such a network.
    diverged: bool,
    /// Share of dead units in each hidden layer before training.
    dead_before: Vec<f64>,
    dead_after: Option<Vec<f64>>,
    /// Mean of `dead_after`.
    dead_fraction: Option<f64>,
    train_accuracy: f64,
    train_loss: Option<f64>,
    steps_done: usize,
    #[serde(flatten)]
    varied: Varied,
}

/// Setting in which the runs of a sweep differ, with its value in a run.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Varied {
    LearningRate(f64),
    Bias(f64),
    /// Standard deviation of the weights as a multiple of Kaiming's.
    Scale(f64),
}

impl Varied {
    fn value(self) -> f64 {
        match self {
            Varied::LearningRate(value) | Varied::Bias(value) | Varied::Scale(value) => value,
        }
    }

    fn set(self, start: &mut Start) {
        match self {
            Varied::LearningRate(value) => start.learning_rate = value,
            Varied::Bias(value) => start.bias = value,
            Varied::Scale(value) => start.scale = value,
        }
    }
}

/// Trains one function once for each value.
fn sweep(
    config: &Config,
    activation: Activation,
    varied: &[Varied],
    data: &Part,
    seed: u64,
) -> Result<Sweep, LabError> {
    let run = |&varied: &Varied| {
        let mut start = Start { activation, learning_rate: config.fixed_learning_rate, bias: 0.0, scale: 1.0 };
        varied.set(&mut start);
        train(config, start, varied, data, RandomKey::new(seed))
    };
    Ok(Sweep { activation: activation.name(), runs: varied.iter().map(run).collect::<Result<_, LabError>>()? })
}

/// Trains 64 - width - width - 10 and counts dead units before and after.
fn train(config: &Config, start: Start, varied: Varied, data: &Part, key: RandomKey) -> Result<Run, LabError> {
    let gain = (start.scale * f64::from(start.activation.gain().value())) as f32;
    let hidden = LinearSpec {
        init: InitSpec::KaimingNormal(KaimingNormalSpec { gain: Some(gain), fan: Fan::In }),
        bias_init: InitSpec::constant(start.bias as f32),
        ..LinearSpec::new(config.width)
    };
    let block = [LayerSpec::Linear(hidden), LayerSpec::Activation(start.activation)];
    let layers = [&block[..], &block[..], &[LayerSpec::Linear(LinearSpec::new(CLASSES))]].concat();
    let mut classifier = Classifier::new(&layers, config.batch, key)?;
    let before = without_gradient(&mut classifier, data);
    let learning_rate = start.learning_rate as f32;
    let schedule = Schedule { learning_rate, momentum: 0.0, batch: config.batch, steps: config.steps };
    let losses = classifier.train(data, schedule);
    let after = without_gradient(&mut classifier, data);
    let score = classifier.evaluate(data);
    let diverged = !classifier.is_finite();
    Ok(Run {
        diverged,
        dead_before: before,
        dead_fraction: (!diverged).then_some(after.iter().sum::<f64>() / after.len() as f64),
        dead_after: (!diverged).then_some(after),
        train_accuracy: score.accuracy,
        train_loss: score.loss.is_finite().then_some(score.loss),
        steps_done: losses.len(),
        varied,
    })
}

/// Returns the share of units of each hidden layer whose derivative exceeds [`NO_GRADIENT`] for no sample of `data`. A
/// unit with NaN output counts as dead.
pub(super) fn without_gradient(classifier: &mut Classifier, data: &Part) -> Vec<f64> {
    let nodes = classifier.network.graph.nodes().iter();
    let hidden: Vec<(NodeId, Activation, usize)> = nodes
        .filter(|node| !node.parameters.is_empty())
        .filter_map(|node| Some((node.id, node.followed_by?, node.op.output_shape().len())))
        .collect();
    let ids: Vec<NodeId> = hidden.iter().map(|(id, ..)| *id).collect();
    let outputs = classifier.outputs_of(&ids, data);
    let dead = |(id, activation, units): (NodeId, Activation, usize)| {
        let function = activation.initial_function();
        let mut alive = vec![false; units];
        for row in outputs.output(id).chunks(units) {
            for (alive, &z) in alive.iter_mut().zip(row) {
                *alive |= function.derivative(z) > NO_GRADIENT && z.is_finite();
            }
        }
        alive.iter().filter(|alive| !**alive).count() as f64 / units as f64
    };
    hidden.into_iter().map(dead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_learning_rates_kill_relu_and_spare_leaky_relu() {
        let config = Config {
            learning_rates: vec![0.05, 1.6],
            biases: vec![-50.0, 0.0],
            scales: vec![1.0],
            ..Config::default()
        };
        let document = DeadRelu::compute(&config, 2).unwrap();
        let [relu, leaky, _] = &document.by_learning_rate[..] else { panic!("three functions") };
        assert_eq!(relu.runs[0].dead_fraction, Some(0.0));
        assert!(relu.runs[0].train_accuracy > 0.8);
        assert!(relu.runs[1].dead_fraction > Some(0.2), "{:?}", relu.runs[1].dead_fraction);
        assert!(relu.runs[1].train_accuracy < leaky.runs[1].train_accuracy);
        assert_eq!(leaky.runs[1].dead_fraction, Some(0.0), "leaky relu lives");
        let [relu, leaky, _] = &document.by_bias[..] else { panic!("three functions") };
        assert_eq!(relu.runs[0].dead_before, [1.0, 1.0]);
        assert_eq!(relu.runs[1].dead_before[0], 0.0);
        assert_eq!(relu.runs[0].dead_fraction, Some(1.0), "nothing brings them back");
        assert_eq!(leaky.runs[0].dead_before, [0.0, 0.0], "leaky relu keeps a slope");
        assert_eq!(document.by_scale[0].runs[0].dead_fraction, Some(0.0));
    }

    #[test]
    fn a_run_names_the_one_thing_that_was_varied() {
        let config = Config { width: 4, steps: 1, ..Config::default() };
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], 0).unwrap();
        let sweep = sweep(&config, Activation::Relu, &[Varied::LearningRate(0.5)], &digits.train, 0).unwrap();
        let run = serde_json::to_value(&sweep.runs[0]).unwrap();
        let keys: Vec<&String> = run.as_object().unwrap().keys().collect();
        let expected = [
            "diverged",
            "dead_before",
            "dead_after",
            "dead_fraction",
            "train_accuracy",
            "train_loss",
            "steps_done",
            "learning_rate",
        ];
        assert_eq!(keys, expected);
        assert_eq!(run["learning_rate"], 0.5);
    }
}
