//! Batch norm between linear layers and activations: the signal by depth, bad initial weights, high learning rates.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec};
use keel_nn::layers::{BatchNormSpec, LayerSpec, LinearSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::batch_norm_page::page;
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::settings::Settings;
use crate::signal::{LayerSignal, Stack};
use crate::statistics::{Histogram, Moments, fraction};
use crate::training::{CLASSES, Classifier, Digits, Part, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Batch norm forgives bad weights", "批归一化能容忍糟糕的初始化"],
    summary: [
        "Signal by depth, and training of a deep network from weights far too small or too large and with high learning rates, with and without batch norm.",
        "有无批归一化时：信号随深度的变化，以及在过小或过大的初始权重、较高学习率下训练深层网络的结果。",
    ],
    chapter: Chapter::BatchNormalisation,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "batch_norm";
/// Standard deviations of the initial weights whose signal is followed through the layers.
const SIGNAL_SCALES: [f64; 4] = [0.001, 0.01, 0.05, 1.0];

/// Standard deviation of the weights whose distributions are shown, as a multiple of Xavier's.
const SHRINKING: f64 = 0.5;
const BINS: usize = 40;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of the layers whose signal is followed.
    #[schemars(extend("zh" = "追踪信号的网络每层的单元数。"))]
    #[schemars(range(min = 2, max = 4096))]
    width: usize,
    /// Hidden layers of the network that is trained; each has 50 units.
    #[schemars(extend("zh" = "所训练网络的隐层数，每层 50 个单元。"))]
    #[schemars(range(min = 1, max = 50))]
    depth: usize,
    /// Samples of a step, and of the batch whose signal is followed.
    #[schemars(extend("zh" = "每步的样本数，也是追踪信号的批大小。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Standard deviations of the initial weights to train from.
    #[schemars(extend("zh" = "训练时要比较的初始权重标准差。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    scales: Vec<f64>,
    /// Step size of those runs.
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

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let key = RandomKey::new(seed);
    let signal: Vec<Value> = [Activation::Tanh, Activation::Relu]
        .into_iter()
        .flat_map(|activation| SIGNAL_SCALES.map(|scale| signal(&config, (activation, scale), key)))
        .collect();
    let mut scales = Vec::new();
    for &scale in &config.scales {
        let init = InitSpec::normal(scale as f32);
        let mut result = both(&config, (init, config.learning_rate), &digits.train, key)?;
        result["scale"] = json!(scale);
        scales.push(result);
    }
    let mut rates = Vec::new();
    for &rate in &config.learning_rates {
        let init = InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan: Fan::In });
        let mut result = both(&config, (init, rate), &digits.train, key)?;
        result["learning_rate"] = json!(rate);
        rates.push(result);
    }
    let distributions = distributions(&config, key);
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "depth": config.depth, "batch": config.batch,
        "steps": config.steps, "distributions": distributions, "signal": signal, "scales": scales, "learning_rates": rates,
    });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// Moments of the outputs of six layers, without and with batch norm.
fn signal(config: &Config, (activation, scale): (Activation, f64), key: RandomKey) -> Value {
    let init = InitSpec::normal(scale as f32);
    let stack = Stack { width: config.width, depth: 6, batch: config.batch, activation, init };
    let (plain, normed) = (stack.forward(key), stack.forward_with_batch_norm(key));
    let layers: Vec<Value> = plain
        .iter()
        .zip(&normed)
        .enumerate()
        .map(|(index, (plain, normed))| {
            let without = Moments::of_slice(&plain.output);
            json!({
                "layer": index + 1,
                "without": { "mean": finite(without.mean), "std": finite(without.std) },
                "with": Moments::of_slice(&normed.output),
                "zero_fraction_with": fraction(&normed.output, |value| value == 0.0),
            })
        })
        .collect();
    json!({ "activation": activation.name(), "scale": scale, "layers": layers })
}

/// Histograms of the outputs of six tanh layers from weights that are too small, without and with batch norm.
fn distributions(config: &Config, key: RandomKey) -> Value {
    let std = SHRINKING / (config.width as f64).sqrt();
    let init = InitSpec::normal(std as f32);
    let stack = Stack { width: config.width, depth: 6, batch: config.batch, activation: Activation::Tanh, init };
    let panels = |layers: Vec<LayerSignal>| -> Vec<Value> {
        let panel = |(index, signal): (usize, &LayerSignal)| {
            let moments = Moments::of_slice(&signal.output);
            let histogram = Histogram::of(&signal.output, (-1.0, 1.0), BINS);
            json!({ "layer": index + 1, "mean": moments.mean, "std": moments.std, "histogram": histogram })
        };
        layers.iter().enumerate().map(panel).collect()
    };
    json!({
        "activation": "tanh", "std": std, "without": panels(stack.forward(key)),
        "with": panels(stack.forward_with_batch_norm(key)),
    })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Trains the same relu network without and with batch norm.
fn both(
    config: &Config,
    (init, learning_rate): (InitSpec, f64),
    data: &Part,
    key: RandomKey,
) -> Result<Value, LabError> {
    let plain = [linear(init), LayerSpec::Activation(Activation::Relu)];
    let normed =
        [linear(init), LayerSpec::BatchNorm(BatchNormSpec::default()), LayerSpec::Activation(Activation::Relu)];
    let train = |block: &[LayerSpec]| -> Result<Value, LabError> {
        let mut layers = repeated(block, config.depth);
        layers.push(LayerSpec::Linear(LinearSpec { init, ..LinearSpec::new(CLASSES) }));
        let mut classifier = Classifier::new(&layers, config.batch, key)?;
        let learning_rate = learning_rate as f32;
        let schedule = Schedule { learning_rate, momentum: 0.9, batch: config.batch, steps: config.steps };
        let losses = classifier.train(data, schedule);
        let (loss, accuracy) = classifier.evaluate(data);
        let diverged = losses.len() < config.steps || !loss.is_finite();
        Ok(json!({ "train_loss": finite(loss), "train_accuracy": accuracy, "diverged": diverged }))
    };
    Ok(json!({ "without": train(&plain)?, "with": train(&normed)? }))
}

/// Fifty units; batch norm would take a bias out again, and without it both networks are the same otherwise.
fn linear(init: InitSpec) -> LayerSpec {
    LayerSpec::Linear(LinearSpec { init, bias: false, ..LinearSpec::new(50) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_batch_norm_the_signal_does_not_depend_on_the_weights() {
        let settings = ["batch=64", "steps=1", "scales=[0.01]", "learning_rates=[0.01]", "depth=1"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        for one in document["signal"].as_array().unwrap() {
            for layer in one["layers"].as_array().unwrap() {
                let (mean, std) = (layer["with"]["mean"].as_f64().unwrap(), layer["with"]["std"].as_f64().unwrap());
                let (expected_mean, expected_std) =
                    if one["activation"] == "tanh" { (0.0, 0.628) } else { (0.397, 0.583) };
                // Weights of 0.001 shrink the variance towards the epsilon of batch norm.
                let tolerance = if one["scale"].as_f64().unwrap() < 0.005 { 0.05 } else { 0.02 };
                assert!((mean - expected_mean).abs() < tolerance && (std - expected_std).abs() < tolerance, "{one}");
                if one["activation"] == "relu" {
                    assert!((layer["zero_fraction_with"].as_f64().unwrap() - 0.5).abs() < 0.02);
                }
            }
        }
    }

    #[test]
    fn distributions_shrink_without_batch_norm_and_keep_their_width_with_it() {
        let settings = ["steps=1", "scales=[0.01]", "learning_rates=[0.01]", "depth=1"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let std = |pointer: &str| document["distributions"].pointer(pointer).unwrap().as_f64().unwrap();
        assert!(std("/without/5/std") < 0.1 * std("/without/0/std"));
        assert!((std("/with/5/std") - std("/with/0/std")).abs() < 0.02);
    }

    #[test]
    fn batch_norm_trains_from_weights_that_stop_the_plain_network() {
        let settings = ["scales=[0.001]", "learning_rates=[0.03]", "width=8", "steps=150"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let accuracy = |pointer: &str| document.pointer(pointer).unwrap().as_f64().unwrap();
        assert!(accuracy("/scales/0/without/train_accuracy") < 0.2);
        assert!(accuracy("/scales/0/with/train_accuracy") > 0.5, "{}", accuracy("/scales/0/with/train_accuracy"));
    }
}
