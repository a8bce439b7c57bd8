//! The same task and budget with each activation, every one at the learning rate that suits it best.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::layers::{LayerSpec, LinearSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::charts::{Marks, Plot, Scale, Series, points};
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::language::Text;
use crate::page::{Page, Table};
use crate::settings::Settings;
use crate::training::{CLASSES, Classifier, Digits, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Convergence by activation", "不同激活函数的收敛速度"],
    summary: [
        "Training loss of a deep network with sigmoid, tanh, relu and others on the same data and budget, each at its best learning rate.",
        "同样的数据与预算下，sigmoid、tanh、ReLU 等深层网络的训练损失，各取最合适的学习率。",
    ],
    chapter: Chapter::Activations,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "convergence";
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

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let mut functions = Vec::new();
    for activation in FUNCTIONS {
        let mut best: Option<Value> = None;
        for &rate in &config.learning_rates {
            let candidate = train(&config, (activation, rate), &digits, seed)?;
            let area = |run: &Value| run["mean_loss"].as_f64().unwrap_or(f64::MAX);
            if best.as_ref().is_none_or(|best| area(&candidate) < area(best)) {
                best = Some(candidate);
            }
        }
        functions.extend(best);
    }
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "depth": config.depth, "steps": config.steps,
        "goal": config.goal, "functions": functions,
    });
    let page = page(&document, &config);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// One training; its mean loss over all steps decides between learning rates.
fn train(
    config: &Config,
    (activation, rate): (Activation, f64),
    digits: &Digits,
    seed: u64,
) -> Result<Value, LabError> {
    let block = [LayerSpec::Linear(LinearSpec::new(config.width)), LayerSpec::Activation(activation)];
    let mut layers = repeated(&block, config.depth);
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    let mut classifier = Classifier::new(&layers, config.batch, RandomKey::new(seed))?;
    let schedule = Schedule { learning_rate: rate as f32, momentum: 0.9, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&digits.train, schedule);
    let complete = losses.len() == config.steps;
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    let curve: Vec<Value> = losses
        .chunks(WINDOW)
        .enumerate()
        .map(|(index, losses)| {
            json!({ "step": index * WINDOW + losses.len(), "loss": losses.iter().sum::<f64>() / losses.len() as f64 })
        })
        .collect();
    let reached = curve.iter().find(|point| point["loss"].as_f64().is_some_and(|loss| loss <= config.goal));
    Ok(json!({
        "activation": activation.name(),
        "learning_rate": rate,
        "mean_loss": (complete && mean.is_finite()).then_some(mean),
        "steps_to_goal": reached.map(|point| point["step"].clone()),
        "test_accuracy": classifier.evaluate(&digits.test).1,
        "curve": curve,
    }))
}

fn page(document: &Value, config: &Config) -> Page {
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let columns = vec![
        Text::new("Activation", "激活函数"),
        Text::new("Learning rate chosen", "所选学习率"),
        Text::new(format!("Steps to a loss of {}", config.goal), format!("损失降到 {} 的步数", config.goal)),
        Text::new("Test accuracy", "测试正确率"),
    ];
    let mut table = Table::new(Text::new("Each at its best learning rate", "各取最佳学习率"), columns);
    let functions = document["functions"].as_array().map_or(&[][..], Vec::as_slice);
    let plot = functions.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, one| {
        let name = one["activation"].as_str().unwrap_or_default();
        plot.with(Series::new(name, points(&one["curve"], "/step", "/loss"), Marks::Line))
    });
    for one in functions {
        let cell = |key: &str| Text::same(one[key].as_f64().map_or("–".to_owned(), crate::charts::number));
        let name = Text::same(one["activation"].as_str().unwrap_or_default());
        table.text_row(vec![name, cell("learning_rate"), cell("steps_to_goal"), cell("test_accuracy")]);
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
        let settings = ["width=32", "steps=120", "learning_rates=[0.03,0.1]", "goal=0.5"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let steps = |index: usize| document["functions"][index]["steps_to_goal"].as_f64();
        let relu = steps(2).expect("relu gets there");
        assert!(relu < 100.0, "{relu}");
        assert!(steps(0).is_none_or(|sigmoid| sigmoid > 1.5 * relu), "{:?}", steps(0));
    }
}
