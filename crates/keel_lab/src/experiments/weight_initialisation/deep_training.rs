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

use crate::charts::{Marks, Plot, Scale, Series};
use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::language::Text;
use crate::loss_curve::{LossPoint, averaged, loss_points};
use crate::page::{Page, Table, cell};
use crate::samples::{CLASSES, Digits, Parts};
use crate::signal::{LayerSignal, Stack};
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<DeepTraining>();

struct DeepTraining;

impl Experiment for DeepTraining {
    const NAME: &'static str = "deep_training";
    const TITLE: [&'static str; 2] = ["Deep training: the start decides", "深层网络训练：成败在于初始化"];
    const SUMMARY: [&'static str; 2] = [
        "A relu network of thirty layers trained from small, Xavier, Kaiming and orthogonal weights, with the signal that reached its last layer before the first step.",
        "三十层 ReLU 网络分别从小随机数、Xavier、Kaiming 与正交初始化开始训练，并给出第一步之前到达末层的信号。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let fan = Fan::In;
        let xavier = InitSpec::XavierNormal(XavierNormalSpec { gain: 1.0, fan });
        let limit = (1.0 / config.width as f64).sqrt() as f32;
        let plain = |name, init| Start { name, init, norm: Norm::Absent };
        let starts = [
            plain("normal, std 0.01", InitSpec::normal(0.01)),
            plain("uniform, ±1/√n", InitSpec::Uniform(UniformSpec { limit })),
            plain("xavier_normal", xavier),
            plain("kaiming_normal", InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan })),
            plain("orthogonal, gain √2", InitSpec::Orthogonal(OrthogonalSpec { gain: std::f32::consts::SQRT_2 })),
            Start { name: "xavier_normal, batch norm", init: xavier, norm: Norm::Batch },
        ];
        let runs = starts.iter().map(|start| train(config, start, &digits, seed)).collect::<Result<_, LabError>>()?;
        let Config { width, depth, steps, batch, learning_rate } = *config;
        Ok(Document { seed, width, depth, steps, batch, learning_rate, loss_of_guessing: (CLASSES as f64).ln(), runs })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

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

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    steps: usize,
    batch: usize,
    learning_rate: f64,
    loss_of_guessing: f64,
    runs: Vec<Run>,
}

/// A training run; signal and gradient are measured before it, without batch norm.
#[derive(Serialize)]
struct Run {
    init: &'static str,
    signal_at_last_layer: Option<f64>,
    gradient_at_first_layer: Option<f64>,
    train_loss: Option<f64>,
    test_loss: Option<f64>,
    test_accuracy: f64,
    curve: Vec<LossPoint>,
}

/// Beginning of a run.
struct Start {
    name: &'static str,
    init: InitSpec,
    norm: Norm,
}

fn train(config: &Config, start: &Start, digits: &Parts, seed: u64) -> Result<Run, LabError> {
    let Start { name, init, norm } = *start;
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
    let score = classifier.evaluate(&digits.test);
    let curve = averaged(&losses, WINDOW);
    let signal = (norm == Norm::Absent).then(|| signal(config, init, seed));
    Ok(Run {
        init: name,
        signal_at_last_layer: signal.map(|signal| signal.last_layer),
        gradient_at_first_layer: signal.map(|signal| signal.first_layer_gradient),
        train_loss: curve.last().and_then(|point| point.loss),
        test_loss: score.loss.is_finite().then_some(score.loss),
        test_accuracy: score.accuracy,
        curve,
    })
}

/// Remains of a signal after all layers, and of a gradient on its way back.
#[derive(Clone, Copy)]
struct Signal {
    /// Standard deviation of the last outputs over that of the first.
    last_layer: f64,
    /// Root mean square of the gradient by the first outputs over that by the last.
    first_layer_gradient: f64,
}

/// Measures the signal before training.
fn signal(config: &Config, init: InitSpec, seed: u64) -> Signal {
    let stack =
        Stack { width: config.width, depth: config.depth, batch: config.batch, activation: Activation::Relu, init };
    let layers = stack.run(RandomKey::new(seed));
    let std = |layer: &LayerSignal| Moments::of_slice(&layer.output).std;
    let rms = |layer: &LayerSignal| Moments::of_slice(&layer.grad_output).second_moment.sqrt();
    let (first, last) = (&layers[0], &layers[config.depth - 1]);
    Signal {
        last_layer: std(last) / std(first).max(f64::MIN_POSITIVE),
        first_layer_gradient: rms(first) / rms(last).max(f64::MIN_POSITIVE),
    }
}

fn page(document: &Document) -> Page {
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let plot = document.runs.iter().fold(plot.scales(Scale::Linear, Scale::Linear), |plot, run| {
        plot.with(Series::new(name(run), loss_points(&run.curve), Marks::Line))
    });
    let guessing = vec![(0.0, document.loss_of_guessing), (document.steps as f64, document.loss_of_guessing)];
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
    for run in &document.runs {
        table.text_row(vec![
            name(run),
            cell(run.signal_at_last_layer),
            cell(run.gradient_at_first_layer),
            cell(run.train_loss),
            cell(run.test_accuracy),
        ]);
    }
    let Document { width, depth, .. } = document;
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
fn name(run: &Run) -> Text {
    let chinese = run
        .init
        .replace("normal, std", "正态，标准差")
        .replace("uniform,", "均匀，")
        .replace("orthogonal, gain", "正交，增益")
        .replace(", batch norm", "，批归一化");
    Text::new(run.init, chinese)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_networks_learn_from_kaiming_and_stall_from_small_weights() {
        let config = Config { width: 32, steps: 100, depth: 20, learning_rate: 0.02, ..Config::default() };
        let runs = DeepTraining::compute(&config, 0).unwrap().runs;
        let (loss, signal) =
            (|run: usize| runs[run].train_loss.unwrap(), |run: usize| runs[run].signal_at_last_layer.unwrap());
        for stalled in [0, 1] {
            assert!((loss(stalled) - 10.0_f64.ln()).abs() < 0.05, "{}", loss(stalled));
            assert!(signal(stalled) < 1e-5);
        }
        assert!(loss(3) < 2.1, "{}", loss(3));
        assert!((signal(2).log2() + 9.5).abs() < 3.0, "about 1/√2 a layer");
    }
}
