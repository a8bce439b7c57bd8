//! Batch norm at inference is one multiplication and one addition per channel, and can be folded into the layer before
//! it: the same trained networks with batch norm, folded by the formula, and as folded by the engine.

pub(crate) mod fold;
mod page;

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, MaxPoolSpec};
use keel_nn::{Cpu, RandomKey};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, Parts, Task};
use crate::training::{Classifier, Schedule, answer, repeated};
use fold::{Channel, channels, fold};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<BatchNormFolding>();

struct BatchNormFolding;

impl Experiment for BatchNormFolding {
    const NAME: &'static str = "batch_norm_folding";
    const TITLE: [&'static str; 2] = ["Folding batch norm into the layer before", "把批量归一化折叠进前一层"];
    const SUMMARY: [&'static str; 2] = [
        "At inference batch norm is a scale and a shift for each channel. Folded into the weights before it, it costs nothing and changes no answer: the largest difference is shown.",
        "推理时批量归一化只是每个通道的一次缩放与平移。折叠进前面的权重后不再有任何开销，答案也不变：给出最大差异。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let mut networks = Vec::new();
        let mut shown = Vec::new();
        for map in [Map::Linear, Map::Convolution] {
            let mut trained = map.classifier(config, Form::Normed, seed)?;
            let learning_rate = config.learning_rate as f32;
            trained.train(
                &digits.train,
                Schedule { learning_rate, momentum: 0.9, batch: config.batch, steps: config.steps },
            );
            if shown.is_empty() {
                shown = channels(&trained.network);
                shown.truncate(SHOWN_CHANNELS);
            }
            networks.push(compared(config, map, trained, &digits, seed)?);
        }
        let Config { width, depth, channels, steps, batch, .. } = *config;
        Ok(Document { seed, width, depth, channels, steps, batch, networks, first_channels: shown })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Number of channels listed.
const SHOWN_CHANNELS: usize = 8;

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
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 64, depth: 3, channels: 8, steps: 150, batch: 32, learning_rate: 0.02 }
    }
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
    networks: Vec<NetworkFigures>,
    /// Channels of the first batch norm of the linear network.
    first_channels: Vec<Channel>,
}

/// A trained network, with and without batch norm.
#[derive(Debug, Serialize)]
struct NetworkFigures {
    network: Map,
    test_accuracy: f64,
    /// Largest magnitude of a score.
    largest_score: f64,
    /// Number of parameters and running statistics with batch norm.
    numbers_before: usize,
    /// Number of parameters after folding.
    numbers_after: usize,
    /// Folded by the formula.
    formula: Difference,
    /// Folded by the engine's own inference program.
    engine: Difference,
}

/// Scores of the whole test set compared with those of the network with batch norm.
#[derive(Debug, Serialize)]
struct Difference {
    largest: f64,
    /// `largest` over the largest magnitude of a score.
    relative: f64,
    /// Share of images with the same prediction.
    same_answers: f64,
}

/// The maps followed by batch norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Map {
    Linear,
    Convolution,
}

/// A network with batch norm, or one whose maps have a bias instead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Normed,
    Folded,
}

impl Map {
    /// Builds an untrained network.
    fn classifier(self, config: &Config, form: Form, seed: u64) -> Result<Classifier, LabError> {
        let bias = form == Form::Folded;
        let block = |map: LayerSpec| {
            let norm = (form == Form::Normed).then(|| LayerSpec::BatchNorm(BatchNormSpec::default()));
            let map = std::iter::once(map).chain(norm);
            map.chain(std::iter::once(LayerSpec::Activation(Activation::Relu))).collect::<Vec<LayerSpec>>()
        };
        let (task, mut layers) = match self {
            Map::Linear => {
                let linear = LayerSpec::Linear(LinearSpec { bias, ..LinearSpec::new(config.width) });
                (Task::DIGITS, repeated(&block(linear), config.depth))
            }
            Map::Convolution => {
                let convolution = |channels| LayerSpec::Conv2d(Conv2dSpec { bias, ..Conv2dSpec::new(channels, 3) });
                let mut layers = block(convolution(config.channels));
                layers.push(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
                layers.extend(block(convolution(2 * config.channels)));
                layers.push(LayerSpec::Flatten(FlattenSpec::default()));
                (Task::DIGIT_IMAGES, layers)
            }
        };
        layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
        Classifier::for_task(task, &layers, config.batch, RandomKey::new(seed))
    }
}

/// Compares a trained network with its folded forms on the test set.
fn compared(
    config: &Config,
    map: Map,
    mut trained: Classifier,
    digits: &Parts,
    seed: u64,
) -> Result<NetworkFigures, LabError> {
    let test = &digits.test;
    let scores = trained.scores_by(&Cpu::unfused(), test);
    let largest_score = scores.iter().fold(0.0_f64, |largest, &score| largest.max(f64::from(score.abs())));
    let difference = |other: &[f32]| {
        let pairs = scores.iter().zip(other);
        let largest = pairs.fold(0.0_f64, |largest, (&a, &b)| largest.max((f64::from(a) - f64::from(b)).abs()));
        let answers = scores.chunks(CLASSES).zip(other.chunks(CLASSES));
        let same = answers.filter(|(a, b)| answer(a) == answer(b)).count();
        Difference {
            largest,
            relative: largest / largest_score.max(f64::MIN_POSITIVE),
            same_answers: same as f64 / test.len() as f64,
        }
    };
    let engine = difference(&trained.scores_by(&Cpu::fused(), test));
    let mut folded = map.classifier(config, Form::Folded, seed)?;
    fold(&trained.network, &mut folded.network);
    let formula = difference(&folded.scores_by(&Cpu::unfused(), test));
    Ok(NetworkFigures {
        network: map,
        test_accuracy: trained.evaluate(test).accuracy,
        largest_score,
        numbers_before: trained.network.parameters.len() + 2 * fold::normed_channels(&trained.network),
        numbers_after: folded.network.parameters.len(),
        formula,
        engine,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_networks_give_the_same_scores() {
        for seed in 0..3 {
            let document = BatchNormFolding::compute(&Config::default(), seed).unwrap();
            assert_eq!(document.networks.len(), 2);
            for network in &document.networks {
                assert!(network.test_accuracy > 0.85, "{network:?}");
                for difference in [&network.formula, &network.engine] {
                    assert!(difference.relative < 1e-5, "{network:?}");
                    assert_eq!(difference.same_answers, 1.0, "{network:?}");
                }
                assert!(network.formula.largest > 0.0, "rounding is not hidden: {network:?}");
                assert!(network.numbers_after < network.numbers_before, "{network:?}");
            }
            assert_eq!(document.first_channels.len(), SHOWN_CHANNELS);
            for channel in &document.first_channels {
                assert!((channel.factor * channel.deviation - channel.gamma).abs() < 1e-5, "{channel:?}");
            }
        }
    }
}
