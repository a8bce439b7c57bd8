//! The lecture's four recommendations on a real task, each removed in turn, over several seeds.

mod page;

use keel_data::{PreprocessStep, Split};
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_nn::layers::{BatchNormSpec, FlattenSpec, LayerSpec, LinearSpec};
use keel_page::Text;
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::loss_curve::{LossPoint, averaged};
use crate::samples::{Images, Parts, Task};
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<RecipeAblation>();

struct RecipeAblation;

impl Experiment for RecipeAblation {
    const NAME: &'static str = "recipe_ablation";
    const TITLE: [&'static str; 2] = ["The four recommendations, each removed in turn", "四条建议，逐一去掉"];
    const SUMMARY: [&'static str; 2] = [
        "Relu, standardised inputs, Kaiming's weights and batch norm on a real task: the value of each, over several seeds.",
        "在真实任务上检验 ReLU、标准化输入、Kaiming 初始化与批量归一化：逐一去掉，用多个随机种子衡量各自的价值。",
    ];
    const CHAPTER: Chapter = Chapter::Summary;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let images = Images::photographs(Split { validation: 0.0, test: 0.2, seed })?;
        let task = images.task();
        let standardised = images.preprocessed(&[PreprocessStep::Standardize])?;
        let raw = images.preprocessed(&[])?;
        let measured = VARIANTS.iter().map(|variant| {
            let parts = if variant.standardised == Followed { &standardised } else { &raw };
            best_rate(&Trial { config, variant, task, parts }, seed)
        });
        let variants = measured.collect::<Result<_, LabError>>()?;
        let Config { width, depth, steps, batch, seeds, .. } = *config;
        Ok(Document { seed, width, depth, steps, batch, seeds, classes: task.classes, variants })
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
    /// Number of units per hidden layer.
    #[schemars(extend("zh" = "每个隐藏层的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Number of hidden layers.
    #[schemars(extend("zh" = "隐藏层数。"))]
    #[schemars(range(min = 1, max = 50))]
    depth: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Learning rates out of which every variant gets its best.
    #[schemars(extend("zh" = "供每种变体选取最佳值的学习率。"))]
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    learning_rates: Vec<f64>,
    /// Number of runs of every variant.
    #[schemars(extend("zh" = "每种变体的训练次数。"))]
    #[schemars(range(min = 1, max = 50))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        let learning_rates = vec![0.0003, 0.003, 0.02, 0.1];
        Config { width: 64, depth: 8, steps: 200, batch: 32, learning_rates, seeds: 6 }
    }
}

/// A network and its inputs.
#[derive(Clone, Copy)]
struct Variant {
    name: &'static str,
    chinese: &'static str,
    activation: Activation,
    standardised: Recommendation,
    matched_weights: Recommendation,
    batch_norm: Recommendation,
}

/// State of a recommendation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recommendation {
    Followed,
    Removed,
}

use Recommendation::{Followed, Removed};

const ALL: Variant = Variant {
    name: "all four",
    chinese: "四条全用",
    activation: Activation::Relu,
    standardised: Followed,
    matched_weights: Followed,
    batch_norm: Followed,
};

const WITHOUT_NORM: Variant =
    Variant { name: "without batch norm", chinese: "去掉批量归一化", batch_norm: Removed, ..ALL };

const VARIANTS: [Variant; 9] = [
    ALL,
    Variant { name: "sigmoid for relu", chinese: "ReLU 换成 sigmoid", activation: Activation::Sigmoid, ..ALL },
    Variant { name: "raw inputs", chinese: "不标准化输入", standardised: Removed, ..ALL },
    Variant { name: "weights 0.01", chinese: "权重 0.01", matched_weights: Removed, ..ALL },
    WITHOUT_NORM,
    Variant {
        name: "no norm, sigmoid", chinese: "无归一化，sigmoid", activation: Activation::Sigmoid, ..WITHOUT_NORM
    },
    Variant {
        name: "no norm, raw inputs", chinese: "无归一化，原始输入", standardised: Removed, ..WITHOUT_NORM
    },
    Variant {
        name: "no norm, weights 0.01", chinese: "无归一化，权重 0.01", matched_weights: Removed, ..WITHOUT_NORM
    },
    Variant {
        name: "none of the four",
        chinese: "四条全无",
        activation: Activation::Sigmoid,
        standardised: Removed,
        matched_weights: Removed,
        batch_norm: Removed,
    },
];

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    steps: usize,
    batch: usize,
    seeds: usize,
    classes: usize,
    /// Variants in the order of [`VARIANTS`].
    variants: Vec<VariantFigures>,
}

/// Numbers of one variant.
#[derive(Serialize)]
struct VariantFigures {
    variant: &'static str,
    #[serde(skip)]
    chinese: &'static str,
    activation: &'static str,
    standardised: bool,
    matched_weights: bool,
    batch_norm: bool,
    learning_rate: f64,
    /// Mean of `accuracies`.
    test_accuracy: f64,
    /// Standard deviation of `accuracies`.
    spread: f64,
    /// One per seed.
    accuracies: Vec<f64>,
    curve: Vec<LossPoint>,
}

impl VariantFigures {
    fn name(&self) -> Text {
        Text::new(self.variant, self.chinese)
    }

    /// Returns the mean accuracy lost against `base`, and twice the standard error of that difference.
    fn cost(&self, base: &VariantFigures) -> (f64, f64) {
        let runs = self.accuracies.len().max(1) as f64;
        let error = ((self.spread * self.spread + base.spread * base.spread) / runs).sqrt();
        (base.test_accuracy - self.test_accuracy, 2.0 * error)
    }
}

/// A variant and its training data.
struct Trial<'a> {
    config: &'a Config,
    variant: &'a Variant,
    task: Task,
    parts: &'a Parts,
}

/// Trains all seeds of a variant at the learning rate with the lowest mean training loss for the first seed.
fn best_rate(trial: &Trial<'_>, seed: u64) -> Result<VariantFigures, LabError> {
    let Trial { config, variant, .. } = *trial;
    let mut best: Option<(f64, f64)> = None;
    for &rate in &config.learning_rates {
        let losses = train(trial, rate, seed)?.losses;
        let complete = losses.len() == config.steps && losses.iter().all(|loss| loss.is_finite());
        let mean = if complete { losses.iter().sum::<f64>() / losses.len() as f64 } else { f64::MAX };
        if best.is_none_or(|(lowest, _)| mean < lowest) {
            best = Some((mean, rate));
        }
    }
    let rate = best.map_or(0.0, |(_, rate)| rate);
    let (mut accuracies, mut curve) = (Vec::new(), vec![0.0; config.steps]);
    for offset in 0..config.seeds {
        let trained = train(trial, rate, seed.wrapping_add(offset as u64))?;
        accuracies.push(trained.test_accuracy);
        for (sum, loss) in curve.iter_mut().zip(trained.losses) {
            *sum += loss / config.seeds as f64;
        }
    }
    let accuracy = Moments::of(accuracies.iter().copied());
    let followed = |recommendation| recommendation == Followed;
    Ok(VariantFigures {
        variant: variant.name,
        chinese: variant.chinese,
        activation: variant.activation.name(),
        standardised: followed(variant.standardised),
        matched_weights: followed(variant.matched_weights),
        batch_norm: followed(variant.batch_norm),
        learning_rate: rate,
        test_accuracy: accuracy.mean,
        spread: accuracy.std,
        accuracies,
        curve: averaged(&curve, WINDOW),
    })
}

/// Result of one training run.
struct Trained {
    /// Loss of every step.
    losses: Vec<f64>,
    test_accuracy: f64,
}

fn train(trial: &Trial<'_>, rate: f64, seed: u64) -> Result<Trained, LabError> {
    let Trial { config, variant, task, parts } = *trial;
    let init = if variant.matched_weights == Followed { InitSpec::Auto } else { InitSpec::normal(0.01) };
    let bias = variant.batch_norm == Removed;
    let mut block = vec![LayerSpec::Linear(LinearSpec { init, bias, ..LinearSpec::new(config.width) })];
    if variant.batch_norm == Followed {
        block.push(LayerSpec::BatchNorm(BatchNormSpec::default()));
    }
    block.push(LayerSpec::Activation(variant.activation));
    let mut layers = vec![LayerSpec::Flatten(FlattenSpec::default())];
    layers.extend(repeated(&block, config.depth));
    layers.push(LayerSpec::Linear(LinearSpec { init, ..LinearSpec::new(task.classes) }));
    let mut classifier = Classifier::for_task(task, &layers, config.batch, RandomKey::new(seed))?;
    let rate = rate as f32;
    let schedule = Schedule { learning_rate: rate, momentum: 0.9, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&parts.train, schedule);
    Ok(Trained { losses, test_accuracy: classifier.evaluate(&parts.test).accuracy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_learn_none_of_them_does_not_and_batch_norm_covers_for_the_others() {
        let learning_rates = vec![0.003, 0.02];
        let config = Config { width: 32, depth: 6, steps: 100, seeds: 2, learning_rates, ..Config::default() };
        for seed in [0, 10, 20] {
            let variants = RecipeAblation::compute(&config, seed).unwrap().variants;
            let accuracy = |index: usize| variants[index].test_accuracy;
            let [all, sigmoid, raw, small, without_norm] = [0, 1, 2, 3, 4].map(accuracy);
            assert!(all > 0.5, "seed {seed}: all four {all}");
            assert!(accuracy(8) < 0.25, "seed {seed}: none of the four {}", accuracy(8));
            assert!(sigmoid < all, "seed {seed}: sigmoid {sigmoid}");
            // With batch norm, raw inputs and small weights cost less than without it.
            let (raw_without, small_without) = (accuracy(6), accuracy(7));
            assert!(raw - raw_without > 0.1, "seed {seed}: raw inputs {raw} with, {raw_without} without norm");
            assert!(
                small - small_without > 0.1,
                "seed {seed}: small weights {small} with, {small_without} without norm"
            );
            assert!(
                small_without < 0.25 && without_norm > small_without,
                "seed {seed}: {small_without} {without_norm}"
            );
            assert_eq!(variants[0].accuracies.len(), 2);
        }
    }
}
