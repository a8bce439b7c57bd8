//! A deep relu network trained from different initial weights: whether it starts to learn at all.
//!
//! Source of the comparison: He, Zhang, Ren, Sun: Delving deep into rectifiers (2015), figure 3.

mod page;

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec, OrthogonalSpec, UniformSpec, XavierNormalSpec};
use keel_nn::layers::{BatchNormSpec, LayerSpec, LinearSpec};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::loss_curve::{LossPoint, averaged};
use crate::samples::{CLASSES, Digits, Parts};
use crate::signal::{LayerSignal, Stack};
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<DeepTraining>();

struct DeepTraining;

impl Experiment for DeepTraining {
    const NAME: &'static str = "deep_training";
    const TITLE: [&'static str; 2] = ["Deep training: the start decides", "深层网络训练：成败在于初始化"];
    const SUMMARY: [&'static str; 2] = [
        "A relu network of thirty layers trained from small, Xavier, Kaiming and orthogonal weights over several seeds, with the signal that reached its last layer before the first step.",
        "三十层 ReLU 网络分别从小随机数、Xavier、Kaiming 与正交初始化开始训练，取多个随机种子，并给出第一步之前到达末层的信号。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let fan = Fan::In;
        let xavier = InitSpec::XavierNormal(XavierNormalSpec { gain: 1.0, fan });
        let limit = (1.0 / config.width as f64).sqrt() as f32;
        let plain = |name, init| Start { name, init, norm: Norm::Absent };
        let starts = [
            plain("normal, std 0.01", InitSpec::normal(0.01)),
            plain("uniform, ±1/√n", InitSpec::Uniform(UniformSpec { limit })),
            plain("xavier_normal", xavier),
            plain("kaiming_normal", InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan })),
            plain("orthogonal, gain √2", InitSpec::Orthogonal(OrthogonalSpec { gain: std::f32::consts::SQRT_2 })),
            Start { name: "xavier_normal, batch norm", init: xavier, norm: Norm::Batch },
        ];
        let runs = starts.iter().map(|start| runs(config, start, &digits, seed)).collect::<Result<_, LabError>>()?;
        let Config { width, depth, steps, batch, learning_rate, seeds } = *config;
        let loss_of_guessing = (CLASSES as f64).ln();
        Ok(Document { seed, width, depth, steps, batch, learning_rate, seeds, loss_of_guessing, runs })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Number of steps over which the loss is averaged for the curves.
const WINDOW: usize = 20;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Number of units per hidden layer.
    #[schemars(extend("zh" = "每个隐藏层的单元数。"))]
    #[schemars(range(min = 2, max = 1024))]
    width: usize,
    /// Number of hidden layers.
    #[schemars(extend("zh" = "隐藏层数。"))]
    #[schemars(range(min = 2, max = 100))]
    depth: usize,
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
    /// Number of runs from each start.
    #[schemars(extend("zh" = "每种初始化的训练次数。"))]
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 64, depth: 30, steps: 500, batch: 64, learning_rate: 0.001, seeds: 3 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Norm {
    Absent,
    Batch,
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    steps: usize,
    batch: usize,
    learning_rate: f64,
    seeds: usize,
    loss_of_guessing: f64,
    runs: Vec<Runs>,
}

/// Training runs from one start, one per seed; signal and gradient are measured beforehand, without batch norm.
#[derive(Serialize)]
struct Runs {
    init: &'static str,
    signal_at_last_layer: Option<f64>,
    gradient_at_first_layer: Option<f64>,
    /// Mean of `train_losses`; `None` if one is not finite.
    train_loss: Option<f64>,
    /// Training loss over the last steps, one per seed.
    train_losses: Vec<Option<f64>>,
    /// Mean over seeds; `None` if one is not finite.
    test_loss: Option<f64>,
    /// Mean of `accuracies`.
    test_accuracy: f64,
    /// Standard deviation of `accuracies`.
    spread: f64,
    /// One per seed.
    accuracies: Vec<f64>,
    /// Mean over seeds.
    curve: Vec<LossPoint>,
}

/// Start of a run.
struct Start {
    name: &'static str,
    init: InitSpec,
    norm: Norm,
}

impl Start {
    /// Returns maps and activations, with batch norm between if requested, and the scores.
    fn layers(&self, config: &Config) -> Vec<LayerSpec> {
        let Start { init, norm, .. } = *self;
        let linear = LinearSpec { init, bias: norm == Norm::Absent, ..LinearSpec::new(config.width) };
        let mut block = vec![LayerSpec::Linear(linear)];
        if norm == Norm::Batch {
            block.push(LayerSpec::BatchNorm(BatchNormSpec::default()));
        }
        block.push(LayerSpec::Activation(Activation::Relu));
        let mut layers = repeated(&block, config.depth);
        layers.push(LayerSpec::Linear(LinearSpec { init, ..LinearSpec::new(CLASSES) }));
        layers
    }
}

/// Trains from one start with every seed.
fn runs(config: &Config, start: &Start, digits: &Parts, seed: u64) -> Result<Runs, LabError> {
    let layers = start.layers(config);
    let learning_rate = config.learning_rate as f32;
    let schedule = Schedule { learning_rate, momentum: 0.9, batch: config.batch, steps: config.steps };
    let (mut accuracies, mut test_losses, mut train_losses) = (Vec::new(), Vec::new(), Vec::new());
    // A diverged run has no loss from then on, and neither has the mean.
    let mut curve = vec![0.0; config.steps];
    for offset in 0..config.seeds {
        let key = RandomKey::new(seed.wrapping_add(offset as u64));
        let mut classifier = Classifier::new(&layers, config.batch, key)?;
        let losses = classifier.train(&digits.train, schedule);
        let score = classifier.evaluate(&digits.test);
        accuracies.push(score.accuracy);
        test_losses.push(score.loss);
        let last = averaged(&losses, WINDOW).last().and_then(|point| point.loss);
        train_losses.push(last.filter(|_| losses.len() == config.steps));
        let losses = losses.into_iter().chain(std::iter::repeat(f64::NAN));
        curve.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += loss / config.seeds as f64);
    }
    let mean = |values: &[f64]| Some(Moments::of(values.iter().copied()).mean).filter(|mean| mean.is_finite());
    let all_trained: Option<Vec<f64>> = train_losses.iter().copied().collect();
    let (accuracy, signal) = (Moments::of(accuracies.iter().copied()), signal(config, start, seed));
    Ok(Runs {
        init: start.name,
        signal_at_last_layer: signal.map(|signal| signal.last_layer),
        gradient_at_first_layer: signal.map(|signal| signal.first_layer_gradient),
        train_loss: all_trained.and_then(|losses| mean(&losses)),
        train_losses,
        test_loss: mean(&test_losses),
        test_accuracy: accuracy.mean,
        spread: accuracy.std,
        accuracies,
        curve: averaged(&curve, WINDOW),
    })
}

/// Remainder of a signal after all layers, and of a gradient on its way back.
#[derive(Clone, Copy)]
struct Signal {
    /// Standard deviation of the last outputs divided by that of the first.
    last_layer: f64,
    /// Root mean square of the gradient with respect to the first outputs divided by that with respect to the last.
    first_layer_gradient: f64,
}

/// Measures the signal before training; returns `None` with batch norm.
fn signal(config: &Config, start: &Start, seed: u64) -> Option<Signal> {
    let Config { width, depth, batch, .. } = *config;
    let stack = Stack { width, depth, batch, activation: Activation::Relu, init: start.init };
    let layers = (start.norm == Norm::Absent).then(|| stack.run(RandomKey::new(seed)))?;
    let std = |layer: &LayerSignal| Moments::of_slice(&layer.output).std;
    let rms = |layer: &LayerSignal| Moments::of_slice(&layer.grad_output).second_moment.sqrt();
    let (first, last) = (layers.first()?, layers.last()?);
    Some(Signal {
        last_layer: std(last) / std(first).max(f64::MIN_POSITIVE),
        first_layer_gradient: rms(first) / rms(last).max(f64::MIN_POSITIVE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_seeds_the_network_learns_from_kaiming_and_guesses_from_small_weights() {
        let document = DeepTraining::compute(&Config::default(), 0).unwrap();
        let guessing = document.loss_of_guessing;
        let [small, uniform, xavier, kaiming, orthogonal, normed] = &document.runs[..] else { panic!("six starts") };
        for stalled in [small, uniform, xavier] {
            for (loss, accuracy) in stalled.train_losses.iter().zip(&stalled.accuracies) {
                assert!((loss.unwrap() - guessing).abs() < 0.05, "{}: {loss:?}", stalled.init);
                assert!(*accuracy < 0.2, "{}: {accuracy}", stalled.init);
            }
        }
        for (learning, least) in [(kaiming, 0.65), (orthogonal, 0.65), (normed, 0.5)] {
            assert_eq!(learning.accuracies.len(), document.seeds);
            for (loss, accuracy) in learning.train_losses.iter().zip(&learning.accuracies) {
                assert!(loss.unwrap() < 0.6 * guessing, "{}: {loss:?}", learning.init);
                assert!(*accuracy > least, "{}: {accuracy}", learning.init);
            }
        }
        for (run, limit) in [(small, 1e-5), (uniform, 1e-5)] {
            assert!(run.signal_at_last_layer.unwrap() < limit, "{}: {:?}", run.init, run.signal_at_last_layer);
        }
        let halvings = xavier.signal_at_last_layer.unwrap().log2();
        assert!((halvings + 0.5 * (document.depth - 1) as f64).abs() < 3.0, "about 1/√2 a layer: {halvings}");
        assert!(normed.signal_at_last_layer.is_none());
    }

    #[test]
    fn a_run_that_diverges_has_no_loss() {
        let config = Config { depth: 3, steps: 30, seeds: 1, learning_rate: 90.0, ..Config::default() };
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], 0).unwrap();
        let start = Start { name: "large", init: InitSpec::normal(2.0), norm: Norm::Absent };
        let runs = runs(&config, &start, &digits, 0).unwrap();
        assert_eq!((runs.train_loss, &runs.train_losses[..]), (None, &[None][..]));
    }
}
