//! The same task and budget with each activation, every one at the learning rate that suits it best.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::layers::{LayerSpec, LinearSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::charts::{Marks, Plot, Scale, Series};
use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::language::Text;
use crate::loss_curve::{LossPoint, averaged, loss_points};
use crate::page::{Page, Table, cell};
use crate::samples::{CLASSES, Digits, Parts};
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Convergence>();

struct Convergence;

impl Experiment for Convergence {
    const NAME: &'static str = "convergence";
    const TITLE: [&'static str; 2] = ["Convergence by activation", "不同激活函数的收敛速度"];
    const SUMMARY: [&'static str; 2] = [
        "Training loss of a deep network with sigmoid, tanh, relu and others on the same data and budget, each at its best learning rate.",
        "同样的数据与预算下，sigmoid、tanh、ReLU 等深层网络的训练损失，各取最合适的学习率。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let mut functions = Vec::new();
        for activation in FUNCTIONS {
            let mut best: Option<Run> = None;
            for &rate in &config.learning_rates {
                let candidate = train(config, activation, rate, &digits, seed)?;
                if best.as_ref().is_none_or(|best| candidate.area() < best.area()) {
                    best = Some(candidate);
                }
            }
            functions.extend(best);
        }
        let Config { width, depth, steps, goal, .. } = *config;
        Ok(Document { seed, width, depth, steps, goal, functions })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// Steps over which the loss is averaged for the curves.
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
    /// Units of each hidden layer.
    #[schemars(extend("zh" = "每个隐层的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Hidden layers.
    #[schemars(extend("zh" = "隐层数。"))]
    #[schemars(range(min = 1, max = 30))]
    depth: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Samples of a step.
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
    functions: Vec<Run>,
}

/// A training run.
#[derive(Serialize)]
struct Run {
    activation: &'static str,
    learning_rate: f64,
    /// Mean over all steps; none where the run broke off.
    mean_loss: Option<f64>,
    /// Step at which the averaged loss had reached the goal, if ever.
    steps_to_goal: Option<usize>,
    test_accuracy: f64,
    curve: Vec<LossPoint>,
}

impl Run {
    /// Mean loss over all steps, which decides between learning rates.
    fn area(&self) -> f64 {
        self.mean_loss.unwrap_or(f64::MAX)
    }
}

/// Trains once.
fn train(config: &Config, activation: Activation, rate: f64, digits: &Parts, seed: u64) -> Result<Run, LabError> {
    let block = [LayerSpec::Linear(LinearSpec::new(config.width)), LayerSpec::Activation(activation)];
    let mut layers = repeated(&block, config.depth);
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    let mut classifier = Classifier::new(&layers, config.batch, RandomKey::new(seed))?;
    let schedule = Schedule { learning_rate: rate as f32, momentum: 0.9, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&digits.train, schedule);
    let complete = losses.len() == config.steps;
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    let curve = averaged(&losses, WINDOW);
    let reached = curve.iter().find(|point| point.loss.is_some_and(|loss| loss <= config.goal));
    Ok(Run {
        activation: activation.name(),
        learning_rate: rate,
        mean_loss: (complete && mean.is_finite()).then_some(mean),
        steps_to_goal: reached.map(|point| point.step),
        test_accuracy: classifier.evaluate(&digits.test).accuracy,
        curve,
    })
}

fn page(document: &Document) -> Page {
    let goal = document.goal;
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let columns = vec![
        Text::new("Activation", "激活函数"),
        Text::new("Learning rate chosen", "所选学习率"),
        Text::new(format!("Steps to a loss of {goal}"), format!("损失降到 {goal} 的步数")),
        Text::new("Test accuracy", "测试正确率"),
    ];
    let mut table = Table::new(Text::new("Each at its best learning rate", "各取最佳学习率"), columns);
    let plot = document.functions.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, run| {
        plot.with(Series::new(run.activation, loss_points(&run.curve), Marks::Line))
    });
    for run in &document.functions {
        let steps = run.steps_to_goal.map(|steps| steps as f64);
        let name = Text::same(run.activation);
        table.text_row(vec![name, cell(run.learning_rate), cell(steps), cell(run.test_accuracy)]);
    }
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "The same deep network learns the digits with different activations, each from the weights made for it and at the \
             learning rate, out of the same list, with which its loss was lowest on average.",
            "同样的深层网络用不同激活函数学习手写数字，各用适合自己的初始化，并从同一列表中选取平均损失最低的学习率。",
        )
        .plot(Text::new("Training loss, averaged over ten steps", "训练损失（每十步平均）"), plot)
        .table(table)
        .heading("Why", "为什么")
        .paragraph(
            "The sigmoid multiplies the gradient by at most ¼ in every layer (see <i>gradient_depth</i>) and its outputs are all \
             positive, so the first layers wait for a long time. Tanh is centred; relu and its relatives pass the gradient undiminished.",
            "sigmoid 每层最多把梯度乘以 ¼（见 <i>gradient_depth</i>），而且输出恒为正，前几层要等很久。tanh 以零为中心；ReLU 及其变体传递梯度不减弱。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Relu converges much faster than the sigmoid. How much faster than tanh depends on the network and the data; a factor \
             measured on one task is no promise for another.",
            "ReLU 的收敛远快于 sigmoid。比 tanh 快多少取决于网络与数据，一个任务上测得的倍数不能照搬到另一个任务。",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_reaches_the_goal_long_before_the_sigmoid() {
        let config = Config { width: 32, steps: 120, learning_rates: vec![0.03, 0.1], goal: 0.5, ..Config::default() };
        let document = Convergence::compute(&config, 0).unwrap();
        let steps = |index: usize| document.functions[index].steps_to_goal;
        let relu = steps(2).expect("relu gets there");
        assert!(relu < 100, "{relu}");
        assert!(steps(0).is_none_or(|sigmoid| sigmoid as f64 > 1.5 * relu as f64), "{:?}", steps(0));
    }
}
