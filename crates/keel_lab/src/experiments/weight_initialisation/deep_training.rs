//! A deep relu network trained from different initial weights: whether it starts to learn at all.
//!
//! Source of the comparison: He, Zhang, Ren, Sun: Delving deep into rectifiers (2015), figure 3.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec, OrthogonalSpec, UniformSpec, XavierNormalSpec};
use keel_nn::layers::{BatchNormSpec, LayerSpec, LinearSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::charts::{Marks, Plot, Scale, Series, number, points};
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::language::Text;
use crate::page::{Page, Table};
use crate::settings::Settings;
use crate::signal::{LayerSignal, Stack};
use crate::statistics::Moments;
use crate::training::{CLASSES, Classifier, Digits, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Deep training: the start decides", "深层网络训练：成败在于初始化"],
    summary: [
        "A relu network of thirty layers trained from small, Xavier, Kaiming and orthogonal weights, with the signal that reached its last layer before the first step.",
        "三十层 ReLU 网络分别从小随机数、Xavier、Kaiming 与正交初始化开始训练，并给出第一步之前到达末层的信号。",
    ],
    chapter: Chapter::Initialisation,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "deep_training";
/// Steps over which the loss is averaged for the curves.
const WINDOW: usize = 20;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each hidden layer.
    #[schemars(extend("zh" = "每个隐层的单元数。"))]
    #[schemars(range(min = 2, max = 1024))]
    width: usize,
    /// Hidden layers.
    #[schemars(extend("zh" = "隐层数。"))]
    #[schemars(range(min = 2, max = 100))]
    depth: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Samples of a step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Step size.
    #[schemars(extend("zh" = "学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 64, depth: 30, steps: 400, batch: 64, learning_rate: 0.005 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Norm {
    Absent,
    Batch,
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let fan = Fan::In;
    let xavier = InitSpec::XavierNormal(XavierNormalSpec { gain: 1.0, fan });
    let limit = (1.0 / config.width as f64).sqrt() as f32;
    let cases = [
        ("normal, std 0.01", InitSpec::normal(0.01), Norm::Absent),
        ("uniform, ±1/√n", InitSpec::Uniform(UniformSpec { limit }), Norm::Absent),
        ("xavier_normal", xavier, Norm::Absent),
        ("kaiming_normal", InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan }), Norm::Absent),
        ("orthogonal, gain √2", InitSpec::Orthogonal(OrthogonalSpec { gain: std::f32::consts::SQRT_2 }), Norm::Absent),
        ("xavier_normal, batch norm", xavier, Norm::Batch),
    ];
    let runs = cases
        .into_iter()
        .map(|(name, init, norm)| train(&config, (name, init, norm), &digits, seed))
        .collect::<Result<Vec<Value>, LabError>>()?;
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "depth": config.depth, "steps": config.steps,
        "batch": config.batch, "learning_rate": config.learning_rate, "loss_of_guessing": (CLASSES as f64).ln(), "runs": runs,
    });
    let page = page(&document, &config);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

fn train(
    config: &Config,
    (name, init, norm): (&str, InitSpec, Norm),
    digits: &Digits,
    seed: u64,
) -> Result<Value, LabError> {
    let linear = LinearSpec { init, bias: norm == Norm::Absent, ..LinearSpec::new(config.width) };
    let mut block = vec![LayerSpec::Linear(linear)];
    if norm == Norm::Batch {
        block.push(LayerSpec::BatchNorm(BatchNormSpec::default()));
    }
    block.push(LayerSpec::Activation(Activation::Relu));
    let mut layers = repeated(&block, config.depth);
    layers.push(LayerSpec::Linear(LinearSpec { init, ..LinearSpec::new(CLASSES) }));
    let mut classifier = Classifier::new(&layers, config.batch, RandomKey::new(seed))?;
    let rate = config.learning_rate as f32;
    let schedule = Schedule { learning_rate: rate, momentum: 0.9, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&digits.train, schedule);
    let (loss, accuracy) = classifier.evaluate(&digits.test);
    let curve: Vec<Value> = losses
        .chunks(WINDOW)
        .enumerate()
        .map(|(index, losses)| {
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            json!({ "step": index * WINDOW + losses.len(), "loss": mean.is_finite().then_some(mean) })
        })
        .collect();
    let signal = (norm == Norm::Absent).then(|| signal(config, init, seed));
    Ok(json!({
        "init": name,
        "signal_at_last_layer": signal.map(|signal| signal[0]),
        "gradient_at_first_layer": signal.map(|signal| signal[1]),
        "train_loss": curve.last().map_or(Value::Null, |point| point["loss"].clone()),
        "test_loss": loss.is_finite().then_some(loss),
        "test_accuracy": accuracy,
        "curve": curve,
    }))
}

/// Before training: standard deviation of the last outputs over that of the first, and root mean square of the
/// gradient by the first outputs over that by the last.
fn signal(config: &Config, init: InitSpec, seed: u64) -> [f64; 2] {
    let stack =
        Stack { width: config.width, depth: config.depth, batch: config.batch, activation: Activation::Relu, init };
    let layers = stack.run(RandomKey::new(seed));
    let std = |layer: &LayerSignal| Moments::of_slice(&layer.output).std;
    let rms = |layer: &LayerSignal| Moments::of_slice(&layer.grad_output).second_moment.sqrt();
    let (first, last) = (&layers[0], &layers[config.depth - 1]);
    [std(last) / std(first).max(f64::MIN_POSITIVE), rms(first) / rms(last).max(f64::MIN_POSITIVE)]
}

fn page(document: &Value, config: &Config) -> Page {
    let runs = document["runs"].as_array().map_or(&[][..], Vec::as_slice);
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let plot = runs.iter().fold(plot.scales(Scale::Linear, Scale::Linear), |plot, run| {
        plot.with(Series::new(name(run), points(&run["curve"], "/step", "/loss"), Marks::Line))
    });
    let guessing = vec![(0.0, (CLASSES as f64).ln()), (config.steps as f64, (CLASSES as f64).ln())];
    let plot = plot.with(Series::new(Text::new("guessing, ln 10", "瞎猜，ln 10"), guessing, Marks::Dashed));
    let columns = vec![
        Text::new("Initial weights", "初始权重"),
        Text::new("Signal, last / first layer", "信号，末层 / 首层"),
        Text::new("Gradient, first / last layer", "梯度，首层 / 末层"),
        Text::new("Loss at the end", "最终损失"),
        Text::new("Test accuracy", "测试正确率"),
    ];
    let caption =
        Text::new("Signal and gradient before training, and what came of it", "训练前的信号与梯度，以及训练结果");
    let mut table = Table::new(caption, columns);
    for run in runs {
        let cell = |key: &str| Text::same(run[key].as_f64().map_or("–".to_owned(), number));
        let keys = ["signal_at_last_layer", "gradient_at_first_layer", "train_loss", "test_accuracy"];
        table.text_row(std::iter::once(name(run)).chain(keys.map(cell)).collect());
    }
    let Config { width, depth, .. } = config;
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            format!("The same relu network, {depth} layers of {width} units, learns the digits from different initial weights with the same optimiser."),
            format!("同一个 ReLU 网络（{depth} 层，每层 {width} 个单元）用同样的优化器、不同的初始权重学习手写数字。"),
        )
        .plot(Text::new("Training loss, averaged over twenty steps", "训练损失（每二十步平均）"), plot)
        .table(table)
        .heading("Why", "为什么")
        .paragraph(
            "Each relu layer multiplies the signal by √(n·Var(w)/2): by 1/√2 with Xavier's weights, by 1/√6 with the uniform weights \
             ±1/√n that are a common default, by far less with 0.01 in narrow layers. After thirty layers nothing is left of \
             the input, all images get the same scores, and the gradient that comes back is as small. The loss stays at ln 10, \
             that of guessing.",
            "每个 ReLU 层把信号乘以 √(n·Var(w)/2)：Xavier 为 1/√2；常见的默认值、均匀分布 ±1/√n 为 1/√6；窄层用 0.01 则小得多。\
             三十层之后输入的信息几乎荡然无存，所有图像得分相同，传回的梯度也同样微小，损失停在瞎猜的水平 ln 10。",
        )
        .paragraph(
            "Kaiming's factor is 1, forward and backward, and the network learns. Orthogonal weights with the same gain keep the \
             length of every signal, not just the average one. Batch norm sets the scale anew in every layer, so that the \
             initial weights hardly matter.",
            "Kaiming 的倍数在前向与反向都是 1，网络能够学习。同样增益的正交权重能保持每个信号的长度，而不只是平均长度。批归一化在每层重新设定尺度，初始权重几乎无关紧要。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "In a shallow network a poor start only costs time. In a deep one it decides whether anything is learned at all. If the \
             loss does not leave ln(number of classes), look at the signal of the last layer before blaming the learning rate.",
            "浅层网络中，糟糕的初始化只是耽误时间；深层网络中，它决定能否学到东西。如果损失一直停在 ln(类别数)，先看末层信号，再怀疑学习率。",
        )
}

/// The name of a run, in both languages.
fn name(run: &Value) -> Text {
    let name = run["init"].as_str().unwrap_or_default();
    let chinese = name
        .replace("normal, std", "正态，标准差")
        .replace("uniform,", "均匀，")
        .replace("orthogonal, gain", "正交，增益")
        .replace(", batch norm", "，批归一化");
    Text::new(name, chinese)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_networks_learn_from_kaiming_and_stall_from_small_weights() {
        let document = run(&Settings::parse(["width=32", "steps=100", "depth=20", "learning_rate=0.02"]).unwrap(), 0)
            .unwrap()
            .document;
        let of = |run: usize, key: &str| document["runs"][run][key].as_f64().unwrap();
        for stalled in [0, 1] {
            assert!((of(stalled, "train_loss") - 10.0_f64.ln()).abs() < 0.05, "{}", of(stalled, "train_loss"));
            assert!(of(stalled, "signal_at_last_layer") < 1e-5);
        }
        assert!(of(3, "train_loss") < 2.1, "{}", of(3, "train_loss"));
        assert!((of(2, "signal_at_last_layer").log2() + 9.5).abs() < 3.0, "about 1/√2 a layer");
    }
}
