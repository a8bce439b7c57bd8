//! Units that pass no gradient for any training sample: by learning rate, bias and initial weights, for relu and its relatives.

use keel_data::PreprocessStep;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec};
use keel_nn::layers::{LayerSpec, LinearSpec};
use keel_nn::{NodeId, RandomKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dead_relu_page::page;
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::settings::Settings;
use crate::training::{CLASSES, Classifier, Digits, Part, Schedule};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Dead relu: units that never learn again", "ReLU 死亡：再也学不到东西的单元"],
    summary: [
        "Share of units without gradient over the whole training set, by learning rate, initial bias and initial weights, for relu, leaky relu and elu.",
        "在整个训练集上都没有梯度的单元比例，随学习率、初始偏置与初始权重变化，比较 ReLU、Leaky ReLU 与 ELU。",
    ],
    chapter: Chapter::Activations,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "dead_relu";
/// A unit whose derivative never exceeds this passes no gradient worth the name.
const NO_GRADIENT: f32 = 1e-3;
const FUNCTIONS: [Activation; 3] =
    [Activation::Relu, Activation::LeakyRelu(LeakyReluSpec::DEFAULT), Activation::Elu(EluSpec::DEFAULT)];

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of the two hidden layers.
    #[schemars(extend("zh" = "两个隐层各自的单元数。"))]
    #[schemars(range(min = 1, max = 2048))]
    width: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 0, max = 5000))]
    steps: usize,
    /// Samples of a step.
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

/// How one run starts and learns.
#[derive(Clone, Copy)]
struct Start {
    activation: Activation,
    learning_rate: f64,
    bias: f64,
    /// Standard deviation of the weights as a multiple of Kaiming's.
    scale: f64,
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let key = RandomKey::new(seed);
    let fixed = config.fixed_learning_rate;
    let start = |activation| Start { activation, learning_rate: fixed, bias: 0.0, scale: 1.0 };
    let sweep = |name: &str, values: &[f64], set: fn(&mut Start, f64)| -> Result<Vec<Value>, LabError> {
        let mut functions = Vec::new();
        for activation in FUNCTIONS {
            let mut runs = Vec::new();
            for &value in values {
                let mut start = start(activation);
                set(&mut start, value);
                let mut result = train(&config, start, &digits.train, key)?;
                result[name] = json!(value);
                runs.push(result);
            }
            functions.push(json!({ "activation": activation.name(), "runs": runs }));
        }
        Ok(functions)
    };
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "steps": config.steps, "batch": config.batch,
        "fixed_learning_rate": fixed,
        "by_learning_rate": sweep("learning_rate", &config.learning_rates, |start, value| start.learning_rate = value)?,
        "by_bias": sweep("bias", &config.biases, |start, value| start.bias = value)?,
        "by_scale": sweep("scale", &config.scales, |start, value| start.scale = value)?,
    });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// Trains 64 - width - width - 10 and counts before and after.
fn train(config: &Config, start: Start, data: &Part, key: RandomKey) -> Result<Value, LabError> {
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
    let (loss, accuracy) = classifier.evaluate(data);
    // A network of NaN has no units to count; it is said to have diverged instead.
    let diverged = !classifier.is_finite();
    Ok(json!({
        "diverged": diverged,
        "dead_before": before,
        "dead_after": (!diverged).then_some(&after),
        "dead_fraction": (!diverged).then_some(after.iter().sum::<f64>() / after.len() as f64),
        "train_accuracy": accuracy,
        "train_loss": loss.is_finite().then_some(loss),
        "steps_done": losses.len(),
    }))
}

/// Share of units of each hidden layer whose derivative exceeds [`NO_GRADIENT`] for no sample of `data`. A unit that
/// gives NaN counts as dead.
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
        let settings = ["learning_rates=[0.05,1.6]", "biases=[-50,0]", "scales=[1]"];
        let document = run(&Settings::parse(settings).unwrap(), 2).unwrap().document;
        let of = |function: usize, run: usize, key: &str| {
            document["by_learning_rate"][function]["runs"][run][key].as_f64().unwrap()
        };
        assert_eq!(of(0, 0, "dead_fraction"), 0.0);
        assert!(of(0, 0, "train_accuracy") > 0.8);
        assert!(of(0, 1, "dead_fraction") > 0.3, "{}", of(0, 1, "dead_fraction"));
        assert!(of(0, 1, "train_accuracy") < of(1, 1, "train_accuracy"));
        assert_eq!(of(1, 1, "dead_fraction"), 0.0, "leaky relu lives");
        let bias = |run: usize| &document["by_bias"][0]["runs"][run];
        assert_eq!(bias(0)["dead_before"], json!([1.0, 1.0]));
        assert_eq!(bias(1)["dead_before"][0], json!(0.0));
        assert_eq!(bias(0)["dead_fraction"], 1.0, "nothing brings them back");
        let leaky = &document["by_bias"][1]["runs"][0];
        assert_eq!(leaky["dead_before"], json!([0.0, 0.0]), "leaky relu keeps a slope");
        assert_eq!(document["by_scale"][0]["runs"][0]["dead_fraction"], 0.0);
    }
}
