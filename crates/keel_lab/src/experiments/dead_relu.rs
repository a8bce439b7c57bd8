//! Units that pass no gradient for any training sample: by learning rate and by bias, for relu and its relatives.

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_nn::layers::{LayerSpec, LinearSpec};
use keel_nn::{Network, Observer, RandomKey};
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
use crate::training::{CLASSES, Classifier, Digits, Part, Schedule};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Dead relu: units that never learn again", "ReLU 死亡：再也学不到东西的单元"],
    summary: [
        "Share of units without gradient over the whole training set, by learning rate and by initial bias, for relu, leaky relu and elu.",
        "在整个训练集上都没有梯度的单元比例，随学习率与初始偏置变化，比较 ReLU、Leaky ReLU 与 ELU。",
    ],
    chapter: Chapter::Activations,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "dead_relu";
/// A unit whose derivative never exceeds this passes no gradient worth the name.
const NO_GRADIENT: f32 = 1e-3;
const FUNCTIONS: [Activation; 3] =
    [Activation::Relu, Activation::LeakyRelu { slope: 0.01 }, Activation::Elu { alpha: 1.0 }];

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of the two hidden layers.
    #[schemars(range(min = 1, max = 2048))]
    width: usize,
    /// Training steps.
    #[schemars(range(min = 0, max = 5000))]
    steps: usize,
    /// Samples of a step.
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
    /// Learning rates to compare.
    learning_rates: Vec<f64>,
    /// Initial biases to compare.
    biases: Vec<f64>,
    /// Learning rate of the runs that compare biases.
    #[schemars(range(min = 0.0, max = 100.0))]
    bias_learning_rate: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            width: 100,
            steps: 200,
            batch: 64,
            learning_rates: vec![0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2],
            biases: vec![-8.0, -4.0, -2.0, -1.0, 0.0, 0.01, 1.0],
            bias_learning_rate: 0.05,
        }
    }
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let key = RandomKey::new(seed);
    let mut by_learning_rate = Vec::new();
    for activation in FUNCTIONS {
        let mut runs = Vec::new();
        for &learning_rate in &config.learning_rates {
            let mut result = train(&config, (activation, 0.0, learning_rate), &digits.train, key)?;
            result["learning_rate"] = json!(learning_rate);
            runs.push(result);
        }
        by_learning_rate.push(json!({ "activation": activation.name(), "runs": runs }));
    }
    let mut by_bias = Vec::new();
    for &bias in &config.biases {
        let mut result = train(&config, (Activation::Relu, bias, config.bias_learning_rate), &digits.train, key)?;
        result["bias"] = json!(bias);
        by_bias.push(result);
    }
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "steps": config.steps, "batch": config.batch,
        "by_learning_rate": by_learning_rate, "by_bias": by_bias,
    });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// Trains 64 - width - width - 10 and counts before and after.
fn train(
    config: &Config,
    (activation, bias, learning_rate): (Activation, f64, f64),
    data: &Part,
    key: RandomKey,
) -> Result<Value, LabError> {
    let hidden = LinearSpec { bias_init: InitSpec::Constant { value: bias as f32 }, ..LinearSpec::new(config.width) };
    let block = [LayerSpec::Linear(hidden), LayerSpec::Activation(activation)];
    let layers = [&block[..], &block[..], &[LayerSpec::Linear(LinearSpec::new(CLASSES))]].concat();
    let mut classifier = Classifier::new(&layers, config.batch, key)?;
    let before = without_gradient(&mut classifier, data);
    let learning_rate = learning_rate as f32;
    let schedule = Schedule { learning_rate, momentum: 0.0, batch: config.batch, steps: config.steps };
    let losses = classifier.train(data, schedule);
    let after = without_gradient(&mut classifier, data);
    let (loss, accuracy) = classifier.evaluate(data);
    Ok(json!({
        "dead_before": before,
        "dead_after": after,
        "dead_fraction": after.iter().sum::<f64>() / after.len() as f64,
        "train_accuracy": accuracy,
        "train_loss": loss.is_finite().then_some(loss),
        "steps_done": losses.len(),
    }))
}

/// Share of units of each hidden layer whose derivative exceeds [`NO_GRADIENT`] for no sample of `data`. A unit that
/// gives NaN counts as dead.
fn without_gradient(classifier: &mut Classifier, data: &Part) -> Vec<f64> {
    let mut alive = Alive::of(&classifier.network);
    classifier.run(data, &mut alive, |_, _| {});
    let dead = |units: &Vec<bool>| units.iter().filter(|alive| !**alive).count() as f64 / units.len() as f64;
    alive.layers.iter().map(|layer| dead(&layer.units)).collect()
}

/// Notes which units have passed gradient.
struct Alive {
    layers: Vec<AliveLayer>,
}

struct AliveLayer {
    node: usize,
    activation: Activation,
    units: Vec<bool>,
}

impl Alive {
    fn of(network: &Network) -> Self {
        let nodes = network.graph.nodes().iter().enumerate();
        let hidden = nodes.filter(|(_, node)| !node.parameters.is_empty()).filter_map(|(index, node)| {
            let units = vec![false; node.layer.output_shape().len()];
            Some(AliveLayer { node: index, activation: node.followed_by?, units })
        });
        Alive { layers: hidden.collect() }
    }
}

impl Observer for Alive {
    fn output(&mut self, node: usize, output: &[f32]) {
        let Some(layer) = self.layers.iter_mut().find(|layer| layer.node == node) else { return };
        let function = layer.activation.initial_function();
        for row in output.chunks(layer.units.len()) {
            for (alive, &z) in layer.units.iter_mut().zip(row) {
                *alive |= function.derivative(z) > NO_GRADIENT && z.is_finite();
            }
        }
    }

    fn gradient(&mut self, _node: usize, _grad_output: &[f32]) {}
}

fn page(document: &Value) -> Page {
    let curves = |pointer: &str, title: Text| {
        let plot = Plot::new(Text::new("learning rate", "学习率"), title);
        let plot = plot.scales(Scale::Logarithmic, Scale::Linear).y_range(0.0, 1.05);
        document["by_learning_rate"].as_array().into_iter().flatten().fold(plot, |plot, function| {
            let name = function["activation"].as_str().unwrap_or_default();
            plot.with(Series::new(name, points(&function["runs"], "/learning_rate", pointer), Marks::LineAndPoints))
        })
    };
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "A network with two hidden layers learns the digits for a few hundred steps with ever larger learning rates. A unit \
             is dead if it passes no gradient for any sample of the whole training set; a single batch would not tell.",
            "一个两隐层网络以越来越大的学习率在手写数字上训练几百步。若某单元对整个训练集的任何样本都不传梯度，就算死亡；只看一个批次是不够的。",
        )
        .plot(
            Text::new("Dead units of the hidden layers after training", "训练后隐层中死亡单元的比例"),
            curves("/dead_fraction", Text::new("dead", "死亡比例")),
        )
        .plot(
            Text::new("Right answers on the training set", "训练集正确率"),
            curves("/train_accuracy", Text::new("accuracy", "正确率")),
        )
        .table(bias_table(document))
        .heading("Why", "为什么")
        .paragraph(
            "The boundary of a relu unit is a hyperplane; on its far side output and gradient are 0. If one large step, or a bad \
             start, moves the plane so that all data lie on the far side, nothing moves it back: w stays as it is for ever. Leaky \
             relu and elu keep a slope there. They can become useless at such learning rates, but not dead.",
            "ReLU 单元的边界是一个超平面，另一侧的输出与梯度都是 0。若一次过大的更新或糟糕的初值把平面移到所有数据都在另一侧，就再没有梯度把它移回来。\
             Leaky ReLU 与 ELU 在那一侧仍有斜率：在过大的学习率下它们也可能失效，但不会死亡。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Watch the share of dead units and lower the learning rate when it grows. Standardised inputs and Kaiming's weights \
             start with none. A small positive bias such as 0.01 changes little.",
            "监视死亡单元的比例，增长时降低学习率。标准化的输入加 Kaiming 初始化，起步时没有死亡单元。0.01 这样的小正偏置作用不大。",
        )
}

fn bias_table(document: &Value) -> Table {
    let columns = vec![
        Text::new("Initial bias", "初始偏置"),
        Text::new("Dead in layer 1 at the start", "开始时第 1 层死亡"),
        Text::new("in layer 2", "第 2 层"),
        Text::new("Dead after training", "训练后死亡"),
        Text::new("Accuracy", "正确率"),
    ];
    let mut table =
        Table::new(Text::new("Relu by initial bias of the hidden layers", "不同初始偏置的 ReLU 网络"), columns);
    for run in document["by_bias"].as_array().into_iter().flatten() {
        let value = |pointer: &str| run.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let name = crate::charts::number(value("/bias"));
        let numbers = ["/dead_before/0", "/dead_before/1", "/dead_fraction", "/train_accuracy"].map(value);
        table.row(name.as_str(), &numbers);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_learning_rates_kill_relu_and_spare_leaky_relu() {
        let settings = ["width=32", "steps=100", "learning_rates=[0.05,20]", "biases=[-50,0]"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let of = |function: usize, run: usize, key: &str| {
            document["by_learning_rate"][function]["runs"][run][key].as_f64().unwrap()
        };
        assert_eq!(of(0, 0, "dead_fraction"), 0.0);
        assert!(of(0, 0, "train_accuracy") > 0.8);
        assert!(of(0, 1, "dead_fraction") > 0.3, "{}", of(0, 1, "dead_fraction"));
        assert!(of(0, 1, "train_accuracy") < 0.5);
        assert_eq!(document["by_bias"][0]["dead_before"], json!([1.0, 1.0]));
        assert_eq!(document["by_bias"][1]["dead_before"][0], json!(0.0));
        assert_eq!(document["by_bias"][0]["dead_fraction"], 1.0, "nothing brings them back");
    }
}
