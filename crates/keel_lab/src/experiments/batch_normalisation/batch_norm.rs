//! Batch norm between linear layers and activations: the signal by depth, bad initial weights, high learning rates.

mod epsilon;
mod page;
mod scale_and_shift;

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec};
use keel_nn::layers::{BatchNormSpec, LayerSpec, LinearSpec};
use keel_page::page::Page;
use keel_page::{Histogram, Interval};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, Part};
use crate::signal::{LayerSignal, Stack};
use crate::statistics::{Moments, fraction};
use crate::training::{Classifier, Schedule, repeated};
use epsilon::EpsilonFigures;
use scale_and_shift::ScaleAndShift;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<BatchNorm>();

struct BatchNorm;

impl Experiment for BatchNorm {
    const NAME: &'static str = "batch_norm";
    const TITLE: [&'static str; 2] = ["Batch norm forgives bad weights", "批量归一化能容忍糟糕的初始化"];
    const SUMMARY: [&'static str; 2] = [
        "What γ and β do, the signal by depth, and training of a deep network from weights far too small or too large and with high learning rates, with and without batch norm.",
        "γ 与 β 的作用；有无批量归一化时信号随深度的变化，以及在过小或过大的初始权重、较高学习率下训练深层网络的结果。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let train = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?.train;
        let key = RandomKey::new(seed);
        let mut scales = Vec::new();
        for &scale in &config.scales {
            let start = Start { init: InitSpec::normal(scale as f32), learning_rate: config.learning_rate };
            scales.push(ByScale { pair: pair(config, start, &train, key)?, scale });
        }
        let mut learning_rates = Vec::new();
        for &learning_rate in &config.learning_rates {
            let start =
                Start { init: InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan: Fan::In }), learning_rate };
            learning_rates.push(ByLearningRate { pair: pair(config, start, &train, key)?, learning_rate });
        }
        let signal = [Activation::Tanh, Activation::Relu]
            .into_iter()
            .flat_map(|activation| SIGNAL_SCALES.map(|scale| signal(config, activation, scale, key)))
            .collect();
        Ok(Document {
            seed,
            width: config.width,
            depth: config.depth,
            batch: config.batch,
            steps: config.steps,
            scale_and_shift: scale_and_shift::figures(key)?,
            distributions: distributions(config, key),
            signal,
            scales,
            epsilons: epsilon::figures(config, &train, key)?,
            learning_rates,
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Standard deviations of the initial weights whose signal is followed through the layers.
const SIGNAL_SCALES: [f64; 4] = [0.001, 0.01, 0.05, 1.0];

/// Standard deviation of the weights whose distributions are shown, as a multiple of Xavier's.
const SHRINKING: f64 = 0.5;
const BINS: usize = 40;
/// Default of the engine.
const EPSILON: f64 = 1e-5;
/// Units of each layer of the network that is trained.
const UNITS: usize = 50;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of the layers whose signal is followed.
    #[schemars(extend("zh" = "追踪信号的网络每层的单元数。"))]
    #[schemars(range(min = 2, max = 4096))]
    width: usize,
    /// Hidden layers of the network that is trained; each has 50 units.
    #[schemars(extend("zh" = "所训练网络的隐藏层数，每层 50 个单元。"))]
    #[schemars(range(min = 1, max = 50))]
    depth: usize,
    /// Samples of a step, and of the batch whose signal is followed.
    #[schemars(extend("zh" = "每步的样本数，也是追踪信号的批量大小。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Standard deviations of the initial weights to train from.
    #[schemars(extend("zh" = "训练时要比较的初始权重标准差。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    scales: Vec<f64>,
    /// Learning rate of those runs.
    #[schemars(extend("zh" = "这些训练的学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// Learning rates to train with from Kaiming's weights.
    #[schemars(extend("zh" = "用 Kaiming 初始化训练时要比较的学习率。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    learning_rates: Vec<f64>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            width: 512,
            depth: 8,
            batch: 50,
            steps: 200,
            scales: vec![1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0],
            learning_rate: 0.02,
            learning_rates: vec![0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
        }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    batch: usize,
    steps: usize,
    scale_and_shift: ScaleAndShift,
    distributions: Distributions,
    signal: Vec<Signal>,
    scales: Vec<ByScale>,
    epsilons: EpsilonFigures,
    learning_rates: Vec<ByLearningRate>,
}

/// Outputs of the layers of a stack with weights that are too small.
#[derive(Serialize)]
struct Distributions {
    activation: &'static str,
    /// Standard deviation of the weights.
    std: f64,
    without: Vec<Distribution>,
    with: Vec<Distribution>,
}

/// Outputs of one layer.
#[derive(Serialize)]
struct Distribution {
    layer: usize,
    mean: f64,
    std: f64,
    histogram: Histogram,
}

/// Signal through a stack with weights of one size.
#[derive(Debug, Serialize)]
struct Signal {
    activation: &'static str,
    /// Standard deviation of the weights.
    scale: f64,
    layers: Vec<Layer>,
}

/// Outputs of one layer without and with batch norm.
#[derive(Debug, Serialize)]
struct Layer {
    layer: usize,
    without: Moments,
    with: Moments,
    zero_fraction_with: f64,
}

/// Results of the same training without and with batch norm.
#[derive(Serialize)]
struct Pair {
    without: Trained,
    with: Trained,
}

/// Result of one training run; the loss is `None` if it is not finite.
#[derive(Debug, Serialize)]
struct Trained {
    train_loss: Option<f64>,
    train_accuracy: f64,
    diverged: bool,
}

/// Training from weights with the standard deviation `scale`.
#[derive(Serialize)]
struct ByScale {
    #[serde(flatten)]
    pair: Pair,
    scale: f64,
}

/// Training from Kaiming's weights with one learning rate.
#[derive(Serialize)]
struct ByLearningRate {
    #[serde(flatten)]
    pair: Pair,
    learning_rate: f64,
}

/// Returns the moments of the outputs of six layers, without and with batch norm.
fn signal(config: &Config, activation: Activation, scale: f64, key: RandomKey) -> Signal {
    let init = InitSpec::normal(scale as f32);
    let stack = Stack { width: config.width, depth: 6, batch: config.batch, activation, init };
    let (plain, normed) = (stack.forward(key), stack.forward_with_batch_norm(key, EPSILON));
    let layer = |(index, (plain, normed)): (usize, (&LayerSignal, &LayerSignal))| Layer {
        layer: index + 1,
        without: Moments::of_slice(&plain.output),
        with: Moments::of_slice(&normed.output),
        zero_fraction_with: fraction(&normed.output, |value| value == 0.0),
    };
    let layers = plain.iter().zip(&normed).enumerate().map(layer).collect();
    Signal { activation: activation.name(), scale, layers }
}

/// Returns histograms of the outputs of six tanh layers with weights that are too small, without and with batch norm.
fn distributions(config: &Config, key: RandomKey) -> Distributions {
    let std = SHRINKING / (config.width as f64).sqrt();
    let (activation, init) = (Activation::Tanh, InitSpec::normal(std as f32));
    let stack = Stack { width: config.width, depth: 6, batch: config.batch, activation, init };
    let distribution = |(index, signal): (usize, LayerSignal)| {
        let Moments { mean, std, .. } = Moments::of_slice(&signal.output);
        let histogram = Histogram::of(&signal.output, Interval { low: -1.0, high: 1.0 }, BINS);
        Distribution { layer: index + 1, mean, std, histogram }
    };
    let all = |layers: Vec<LayerSignal>| layers.into_iter().enumerate().map(distribution).collect();
    Distributions {
        activation: activation.name(),
        std,
        without: all(stack.forward(key)),
        with: all(stack.forward_with_batch_norm(key, EPSILON)),
    }
}

/// Start of a training run.
#[derive(Clone, Copy)]
struct Start {
    init: InitSpec,
    learning_rate: f64,
}

/// Trains the same relu network without and with batch norm.
fn pair(config: &Config, start: Start, data: &Part, key: RandomKey) -> Result<Pair, LabError> {
    let norm = LayerSpec::BatchNorm(BatchNormSpec::default());
    let runs = Runs { config, data, key };
    Ok(Pair { without: runs.train(start, None)?, with: runs.train(start, Some(norm))? })
}

/// Settings shared by all training runs.
struct Runs<'a> {
    config: &'a Config,
    data: &'a Part,
    key: RandomKey,
}

impl Runs<'_> {
    /// Trains the relu network with `norm` between each map and its activation.
    fn train(&self, start: Start, norm: Option<LayerSpec>) -> Result<Trained, LabError> {
        let Runs { config, data, key } = *self;
        // Batch norm would cancel a bias; without it, both networks are otherwise equal.
        let linear = LayerSpec::Linear(LinearSpec { init: start.init, bias: false, ..LinearSpec::new(UNITS) });
        let block: Vec<LayerSpec> = std::iter::once(linear)
            .chain(norm)
            .chain(std::iter::once(LayerSpec::Activation(Activation::Relu)))
            .collect();
        let mut layers = repeated(&block, config.depth);
        layers.push(LayerSpec::Linear(LinearSpec { init: start.init, ..LinearSpec::new(CLASSES) }));
        let mut classifier = Classifier::new(&layers, config.batch, key)?;
        let learning_rate = start.learning_rate as f32;
        let schedule = Schedule { learning_rate, momentum: 0.9, batch: config.batch, steps: config.steps };
        let losses = classifier.train(data, schedule);
        let score = classifier.evaluate(data);
        let train_loss = score.loss.is_finite().then_some(score.loss);
        let diverged = losses.len() < config.steps || train_loss.is_none();
        Ok(Trained { train_loss, train_accuracy: score.accuracy, diverged })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_batch_norm_the_signal_does_not_depend_on_the_weights() {
        let config = Config { batch: 64, ..Config::default() };
        for (activation, mean, std) in [(Activation::Tanh, 0.0, 0.628), (Activation::Relu, 0.397, 0.583)] {
            for scale in SIGNAL_SCALES {
                // Weights of 0.001 shrink the variance towards the epsilon of batch norm.
                let tolerance = if scale < 0.005 { 0.05 } else { 0.02 };
                for layer in signal(&config, activation, scale, RandomKey::new(0)).layers {
                    let near = |actual: f64, expected: f64| (actual - expected).abs() < tolerance;
                    assert!(near(layer.with.mean, mean) && near(layer.with.std, std), "{scale}: {layer:?}");
                    assert!(activation != Activation::Relu || (layer.zero_fraction_with - 0.5).abs() < 0.02);
                }
            }
        }
    }

    #[test]
    fn distributions_shrink_without_batch_norm_and_keep_their_width_with_it() {
        let Distributions { without, with, .. } = distributions(&Config::default(), RandomKey::new(0));
        assert!(without[5].std < 0.1 * without[0].std);
        assert!((with[5].std - with[0].std).abs() < 0.02);
    }

    #[test]
    fn batch_norm_trains_from_weights_that_stop_the_plain_network() {
        let config = Config { steps: 150, ..Config::default() };
        let train = Digits::preprocessed(&[PreprocessStep::Standardize], 0).unwrap().train;
        let start = Start { init: InitSpec::normal(0.001), learning_rate: config.learning_rate };
        let Pair { without, with } = pair(&config, start, &train, RandomKey::new(0)).unwrap();
        assert!(without.train_accuracy < 0.2);
        assert!(with.train_accuracy > 0.5, "{}", with.train_accuracy);
    }
}
