//! The same task and budget with each activation at its best learning rate, over several seeds.

mod page;

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::layers::{LayerSpec, LinearSpec};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::loss_curve::{LossPoint, averaged};
use crate::samples::{CLASSES, Digits, Parts};
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Convergence>();

struct Convergence;

impl Experiment for Convergence {
    const NAME: &'static str = "convergence";
    const TITLE: [&'static str; 2] = ["Convergence by activation", "不同激活函数的收敛速度"];
    const SUMMARY: [&'static str; 2] = [
        "Training loss of a deep network with sigmoid, tanh, relu and others on the same data and budget, each at its best learning rate, over several seeds.",
        "同样的数据与预算下，sigmoid、tanh、ReLU 等深层网络的训练损失，各取最合适的学习率，并用多个随机种子。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let functions = FUNCTIONS
            .into_iter()
            .map(|activation| measure(config, activation, &digits, seed))
            .collect::<Result<_, _>>()?;
        let Config { width, depth, steps, goal, seeds, .. } = *config;
        Ok(Document { seed, width, depth, steps, goal, seeds, functions })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Number of steps over which the loss is averaged for the curves.
const WINDOW: usize = 10;
const FUNCTIONS: [Activation; 6] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu(LeakyReluSpec::DEFAULT),
    Activation::Elu(EluSpec::DEFAULT),
    Activation::Gelu,
];

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
    #[schemars(range(min = 1, max = 30))]
    depth: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
    /// Learning rates to choose from.
    #[schemars(extend("zh" = "供选择的学习率。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    learning_rates: Vec<f64>,
    /// Training loss to reach.
    #[schemars(extend("zh" = "要达到的训练损失。"))]
    #[schemars(range(min = 0.0, max = 3.0))]
    goal: f64,
    /// Number of runs of each activation at its best learning rate.
    #[schemars(extend("zh" = "每个激活函数在其最佳学习率下的训练次数。"))]
    #[schemars(range(min = 1, max = 50))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            width: 64,
            depth: 4,
            steps: 300,
            batch: 64,
            learning_rates: vec![0.003, 0.01, 0.03, 0.1, 0.3],
            goal: 0.25,
            seeds: 6,
        }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    steps: usize,
    goal: f64,
    seeds: usize,
    functions: Vec<FunctionFigures>,
}

/// All runs of one activation.
#[derive(Serialize)]
struct FunctionFigures {
    activation: &'static str,
    learning_rate: f64,
    /// Mean over all steps and seeds; `None` if a run diverged.
    mean_loss: Option<f64>,
    /// Mean over the seeds; `None` if a run never reached the goal.
    steps_to_goal: Option<f64>,
    /// One per seed: the first step at which the mean loss of the last ten had reached the goal, if ever.
    steps_to_goal_of_each: Vec<Option<usize>>,
    /// Mean over the seeds.
    test_accuracy: f64,
    /// Mean over the seeds.
    curve: Vec<LossPoint>,
}

impl FunctionFigures {
    /// Returns the fewest and the most steps to the goal, or `None` if a run never reached it.
    fn range(&self) -> Option<[usize; 2]> {
        let all: Option<Vec<usize>> = self.steps_to_goal_of_each.iter().copied().collect();
        let all = all?;
        Some([all.iter().copied().min()?, all.iter().copied().max()?])
    }
}

/// A training run.
struct Run {
    losses: Vec<f64>,
    test_accuracy: f64,
}

impl Run {
    /// Returns the mean loss over all steps, which is used to choose the learning rate.
    fn area(&self, steps: usize) -> f64 {
        let mean = self.losses.iter().sum::<f64>() / self.losses.len() as f64;
        if self.losses.len() == steps && mean.is_finite() { mean } else { f64::MAX }
    }
}

/// Trains with the learning rate that is best for the first seed.
fn measure(config: &Config, activation: Activation, digits: &Parts, seed: u64) -> Result<FunctionFigures, LabError> {
    let mut best: Option<(f64, f64)> = None;
    for &rate in &config.learning_rates {
        let area = train(config, activation, rate, digits, seed)?.area(config.steps);
        if best.is_none_or(|(lowest, _)| area < lowest) {
            best = Some((area, rate));
        }
    }
    let learning_rate = best.map_or(0.0, |(_, rate)| rate);
    let seeds = (0..config.seeds).map(|offset| seed.wrapping_add(offset as u64));
    let runs: Vec<Run> =
        seeds.map(|seed| train(config, activation, learning_rate, digits, seed)).collect::<Result<_, LabError>>()?;
    let areas: Vec<f64> = runs.iter().map(|run| run.area(config.steps)).collect();
    let complete = areas.iter().all(|area| *area < f64::MAX);
    let window = WINDOW.min(config.steps);
    let reached = |run: &Run| {
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        run.losses.windows(window).position(|losses| mean(losses) <= config.goal).map(|start| start + window)
    };
    let each: Vec<Option<usize>> = runs.iter().map(reached).collect();
    let all: Option<Vec<f64>> = each.iter().map(|steps| steps.map(|steps| steps as f64)).collect();
    Ok(FunctionFigures {
        activation: activation.name(),
        learning_rate,
        mean_loss: complete.then(|| Moments::of(areas.into_iter()).mean),
        steps_to_goal: all.map(|all| Moments::of(all.into_iter()).mean),
        steps_to_goal_of_each: each,
        test_accuracy: Moments::of(runs.iter().map(|run| run.test_accuracy)).mean,
        curve: averaged(&mean_losses(&runs, config.steps), WINDOW),
    })
}

/// Returns the mean loss of every step over all runs; NaN if one of them diverged.
fn mean_losses(runs: &[Run], steps: usize) -> Vec<f64> {
    let mean = |step: usize| {
        let losses = runs.iter().map(|run| run.losses.get(step).copied().unwrap_or(f64::NAN));
        losses.sum::<f64>() / runs.len() as f64
    };
    (0..steps).map(mean).collect()
}

/// Trains once.
fn train(config: &Config, activation: Activation, rate: f64, digits: &Parts, seed: u64) -> Result<Run, LabError> {
    let block = [LayerSpec::Linear(LinearSpec::new(config.width)), LayerSpec::Activation(activation)];
    let mut layers = repeated(&block, config.depth);
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    let mut classifier = Classifier::new(&layers, config.batch, RandomKey::new(seed))?;
    let schedule = Schedule { learning_rate: rate as f32, momentum: 0.9, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&digits.train, schedule);
    Ok(Run { losses, test_accuracy: classifier.evaluate(&digits.test).accuracy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_reaches_the_goal_long_before_the_sigmoid() {
        let learning_rates = vec![0.03, 0.1];
        let config = Config { width: 32, steps: 120, learning_rates, goal: 0.5, seeds: 3, ..Config::default() };
        for seed in [0, 10, 20] {
            let functions = Convergence::compute(&config, seed).unwrap().functions;
            let steps = |index: usize| functions[index].steps_to_goal;
            let relu = steps(2).expect("relu gets there");
            assert!(relu < 100.0, "{relu}");
            assert!(steps(0).is_none_or(|sigmoid| sigmoid > 1.5 * relu), "seed {seed}: {:?}", steps(0));
            assert_eq!(functions[2].steps_to_goal_of_each.len(), 3);
        }
    }
}
