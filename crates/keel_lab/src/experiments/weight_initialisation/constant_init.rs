//! Weights that all start equal: every hidden unit computes and learns the same forever.

use std::collections::BTreeSet;

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec};
use keel_nn::layers::{LayerSpec, LinearSpec};
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Series, number};
use keel_page::page::{Page, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, FEATURES, Parts};
use crate::training::{Classifier, Schedule};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<ConstantInit>();

struct ConstantInit;

impl Experiment for ConstantInit {
    const NAME: &'static str = "constant_init";
    const TITLE: [&'static str; 2] =
        ["Constant weights: many units, one neuron", "常数初始化：单元再多，也只相当于一个神经元"];
    const SUMMARY: [&'static str; 2] = [
        "Zero, constant and random initial weights: how many different hidden units there are after training, and what they learn.",
        "全零、常数与随机初始化：训练后有多少个不同的隐藏单元，学到了什么。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let size = config.size as f32;
        let inits = [
            InitSpec::Zeros,
            InitSpec::constant(size),
            InitSpec::normal(size),
            InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan: Fan::In }),
        ];
        let runs = inits.into_iter().map(|init| train(config, init, &digits, seed)).collect::<Result<_, LabError>>()?;
        Ok(Document { seed, width: config.width, steps: config.steps, size: config.size, runs })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// Number of steps between two losses of the curves.
const SHOWN_EVERY: usize = 10;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Hidden units.
    #[schemars(extend("zh" = "隐藏单元数。"))]
    #[schemars(range(min = 2, max = 2048))]
    width: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
    /// Learning rate.
    #[schemars(extend("zh" = "学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// The constant, and the standard deviation of the random weights.
    #[schemars(extend("zh" = "常数的取值，也是随机权重的标准差。"))]
    #[schemars(range(min = 0.0, max = 10.0))]
    size: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 100, steps: 300, batch: 64, learning_rate: 0.1, size: 0.01 }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    steps: usize,
    size: f64,
    runs: Vec<Run>,
}

/// A training run.
#[derive(Serialize)]
struct Run {
    init: &'static str,
    /// Number of hidden units whose weights differ in some bit.
    distinct_units: usize,
    /// Largest difference of a weight from that of the first unit.
    largest_difference: f32,
    train_loss: Option<f64>,
    train_accuracy: f64,
    /// Losses of one step in [`SHOWN_EVERY`].
    losses: Vec<f64>,
}

fn train(config: &Config, init: InitSpec, digits: &Parts, seed: u64) -> Result<Run, LabError> {
    let linear = |width| LayerSpec::Linear(LinearSpec { init, ..LinearSpec::new(width) });
    let layers = [linear(config.width), LayerSpec::Activation(Activation::Relu), linear(CLASSES)];
    let mut classifier = Classifier::new(&layers, config.batch, RandomKey::new(seed))?;
    let learning_rate = config.learning_rate as f32;
    let schedule = Schedule { learning_rate, momentum: 0.0, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&digits.train, schedule);
    let score = classifier.evaluate(&digits.train);
    // The first parameter is the hidden layer's weight, [features, width]: each column is a unit.
    let weight = &classifier.network.parameters[classifier.network.graph.parameters()[0].range.clone()];
    let unit = |unit: usize| -> Vec<f32> { (0..FEATURES).map(|input| weight[input * config.width + unit]).collect() };
    let bits = |unit: Vec<f32>| unit.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
    let distinct: BTreeSet<Vec<u32>> = (0..config.width).map(|index| bits(unit(index))).collect();
    let first = unit(0);
    let difference = (0..config.width).flat_map(|index| {
        let pairs = unit(index).into_iter().zip(first.clone());
        pairs.map(|(a, b)| (a - b).abs()).collect::<Vec<f32>>()
    });
    Ok(Run {
        init: init.name(),
        distinct_units: distinct.len(),
        largest_difference: difference.fold(0.0_f32, f32::max),
        train_loss: score.loss.is_finite().then_some(score.loss),
        train_accuracy: score.accuracy,
        losses: losses.into_iter().step_by(SHOWN_EVERY).collect(),
    })
}

fn page(document: &Document) -> Page {
    let columns = vec![
        Text::new("Weights", "权重"),
        Text::new("Different units", "不同的单元数"),
        Text::new("Largest difference", "最大差异"),
        Text::new("Loss", "损失"),
        Text::new("Accuracy", "准确率"),
    ];
    let mut table = Table::new(Text::new("The hidden layer after training", "训练后的隐藏层"), columns);
    let mut plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    for run in &document.runs {
        let (units, difference) = (run.distinct_units as f64, f64::from(run.largest_difference));
        table.row(run.init, &[units, difference, run.train_loss.unwrap_or(f64::NAN), run.train_accuracy]);
        let losses = run.losses.iter().enumerate().filter(|(_, loss)| loss.is_finite());
        let curve = losses.map(|(index, &loss)| ((index * SHOWN_EVERY) as f64, loss)).collect();
        plot = plot.with(Series::new(run.init, curve, Marks::Line));
    }
    let width = number(document.width as f64);
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!("A network with {width} hidden units, trained from four starts. Units are compared bit by bit."),
            format!("一个有 {width} 个隐藏单元的网络，从四种初值开始训练。单元之间逐比特比较。"),
        )
        .table(table)
        .plot(Text::new("Loss during training; ln 10 = 2.3026 is guessing", "训练过程中的损失；ln 10 = 2.3026 相当于随机猜测"), plot)
        .heading("Why", "为什么")
        .paragraph(
            "Units with equal weights compute equal outputs. If the weights after them are equal too, they receive \
             equal gradients, \
             so they are equal after every step: a proof by induction, which the bits confirm. With all weights 0 nothing but the \
             output bias gets a gradient at all.",
            "权重相同的单元输出相同；若后一层对应的权重也相同，它们得到的梯度就相同，于是每一步之后仍然相同：这就是归纳法证明，逐比特比较也证实了。\
             权重全为 0 时，只有输出层偏置能得到梯度。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Random weights are there to break the symmetry. Biases may start at 0.",
            "随机权重的作用正是打破对称性。偏置可以从 0 开始。",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_weights_stay_one_unit_to_the_last_bit() {
        let config = Config { width: 37, steps: 60, ..Config::default() };
        let runs = ConstantInit::compute(&config, 0).unwrap().runs;
        let [zeros, constant, normal, kaiming] = &runs[..] else { panic!("four runs") };
        for run in [zeros, constant] {
            assert_eq!((run.distinct_units, run.largest_difference), (1, 0.0));
        }
        assert!((zeros.train_loss.unwrap() - 10.0_f64.ln()).abs() < 0.01, "zeros only move the output bias");
        assert_eq!(normal.distinct_units, 37);
        assert!(kaiming.train_accuracy > 0.85 && constant.train_accuracy < 0.5);
    }
}
