//! The gradient on its way back through deep stacks of sigmoid, tanh and relu.

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec, XavierNormalSpec};
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Scale, Series, number, points};
use keel_page::page::{Page, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::signal::{LayerSignal, Stack};
use crate::statistics::Moments;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<GradientDepth>();

struct GradientDepth;

impl Experiment for GradientDepth {
    const NAME: &'static str = "gradient_depth";
    const TITLE: [&'static str; 2] =
        ["Gradient by depth: why sigmoid stacks stop learning", "梯度随深度的变化：为什么多层 sigmoid 网络难以训练"];
    const SUMMARY: [&'static str; 2] = [
        "Size of the gradient in every layer of sigmoid, tanh and relu stacks, each with the initialiser made for it.",
        "sigmoid、tanh、ReLU 网络（各用适合自己的初始化）每一层梯度的大小。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let xavier = InitSpec::XavierNormal(XavierNormalSpec { gain: 1.0, fan: Fan::In });
        let kaiming = InitSpec::KaimingNormal(KaimingNormalSpec { gain: None, fan: Fan::In });
        let (width, depth, batch) = (config.width, config.depth, config.batch);
        let stack = |activation, init| Stack { width, depth, batch, activation, init };
        let stacks =
            [stack(Activation::Sigmoid, xavier), stack(Activation::Tanh, xavier), stack(Activation::Relu, kaiming)];
        let stacks = stacks.iter().map(|stack| measure(stack, seed)).collect();
        Ok(Document { width, depth, batch, seed, stacks })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Number of units per layer.
    #[schemars(extend("zh" = "每层的单元数。"))]
    #[schemars(range(min = 1, max = 8192))]
    width: usize,
    /// Number of layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 2, max = 100))]
    depth: usize,
    /// Number of samples of the standard normal input.
    #[schemars(extend("zh" = "标准正态输入的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 1024, depth: 6, batch: 16 }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    width: usize,
    depth: usize,
    batch: usize,
    seed: u64,
    stacks: Vec<StackFigures>,
}

/// Numbers of one stack.
#[derive(Serialize)]
struct StackFigures {
    activation: &'static str,
    init: &'static str,
    /// Factor by which the gradient with respect to the outputs shrinks per layer on its way back.
    shrinking_per_layer: f64,
    layers: Vec<Layer>,
}

/// Numbers of one layer.
#[derive(Serialize)]
struct Layer {
    layer: usize,
    activation: Moments,
    gradient: GradientSizes,
}

/// Root mean squares of the gradients with respect to the outputs and to the weights of a layer.
#[derive(Serialize)]
struct GradientSizes {
    activation_rms: f64,
    weight_rms: f64,
}

fn measure(stack: &Stack, seed: u64) -> StackFigures {
    let signals = stack.run(RandomKey::new(seed));
    let rms = |signal: &LayerSignal| Moments::of_slice(&signal.grad_output).second_moment.sqrt();
    let layer = |(index, signal): (usize, &LayerSignal)| Layer {
        layer: index + 1,
        activation: Moments::of_slice(&signal.output),
        gradient: GradientSizes { activation_rms: rms(signal), weight_rms: signal.grad_weight_rms },
    };
    let steps = (stack.depth - 1) as f64;
    let factor = (rms(&signals[stack.depth - 1]) / rms(&signals[0])).powf(1.0 / steps);
    StackFigures {
        activation: stack.activation.name(),
        init: stack.init.resolve(Some(stack.activation)).name(),
        shrinking_per_layer: factor,
        layers: signals.iter().enumerate().map(layer).collect(),
    }
}

fn page(document: &Document) -> Page {
    let plot = |size: fn(&GradientSizes) -> f64| {
        let plot = Plot::new(Text::new("layer", "层"), Text::new("root mean square", "均方根"));
        document.stacks.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, stack| {
            let curve = points(&stack.layers, |layer| layer.layer as f64, |layer| size(&layer.gradient));
            plot.with(Series::new(stack.activation, curve, Marks::LineAndPoints))
        })
    };
    let mut table = Table::new(
        Text::new(
            "How much smaller the gradient with respect to the outputs becomes on its way back through one layer",
            "梯度每向前传回一层缩小的倍数",
        ),
        vec![
            Text::new("Activation", "激活函数"),
            Text::new("Factor per layer", "每层倍数"),
            Text::new("Mean of layer 2", "第 2 层输出均值"),
        ],
    );
    for stack in &document.stacks {
        table.row(stack.activation, &[stack.shrinking_per_layer, stack.layers[1].activation.mean]);
    }
    let depth = document.depth;
    let rounded = |value: f64| number((value * 1000.0).round() / 1000.0);
    let sigmoid = document.stacks[0].shrinking_per_layer;
    let (variance, size, relu) =
        (rounded(sigmoid.powi(-2)), rounded(sigmoid), rounded(document.stacks[2].shrinking_per_layer));
    let all = number(sigmoid.powi(depth as i32 - 1).round());
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "The same stack three times, each with the initialiser that suits its activation. The gradient enters at the last \
             layer with size 1 and travels to the left.",
            "同样的网络堆叠三次，各用适合其激活函数的初始化。梯度以大小 1 从最后一层进入，向左传播。",
        )
        .plot(Text::new("Gradient with respect to the outputs of each layer (dL/dh)", "各层输出的梯度 (dL/dh)"), plot(|gradient| gradient.activation_rms))
        .plot(Text::new("Gradient with respect to the weights of each layer (dL/dW)", "各层权重的梯度 (dL/dW)"), plot(|gradient| gradient.weight_rms))
        .table(table)
        .heading("Why", "为什么")
        .paragraph(
            format!(
                "Going back through one layer multiplies the gradient's variance by n·Var(w)·E[f′(z)²]. The sigmoid's derivative is \
                 at most ¼, so with n·Var(w) = 1 the factor is at most 1/16: it measures {variance}, a factor of {size} on the \
                 size. Relu lets half of the gradient pass and Kaiming's 2 makes up for that: its factor on the size is {relu}."
            ),
            format!(
                "梯度每传回一层，方差乘以 n·Var(w)·E[f′(z)²]。sigmoid 的导数最大 ¼，在 n·Var(w) = 1 时该因子最多 1/16，实测 {variance}，\
                 即梯度大小每层缩小 {size} 倍。ReLU 让一半的梯度通过，Kaiming 的系数 2 恰好补偿，梯度大小的因子为 {relu}。"
            ),
        )
        .heading("What to take away", "要点")
        .paragraph(
            format!(
                "In these {depth} layers the first of the sigmoid network gets a gradient {all} times smaller than the last. No \
                 learning rate suits both. Its outputs also have mean ½ instead of 0 (see [[zigzag]])."
            ),
            format!(
                "在这 {depth} 层的 sigmoid 网络中，第一层得到的梯度只有最后一层的 1/{all}，没有一个学习率能同时适合两者。而且它的输出均值是 ½ 而不是 0\
                 （见 [[zigzag]]）。"
            ),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_loses_a_factor_of_four_per_layer_and_kaiming_relu_nothing() {
        let stacks = GradientDepth::compute(&Config::default(), 1).unwrap().stacks;
        let factor = |index: usize| stacks[index].shrinking_per_layer;
        assert!((factor(0) - 4.24).abs() < 0.15, "sigmoid {}", factor(0));
        assert!((factor(2) - 1.0).abs() < 0.05, "relu {}", factor(2));
        for layer in 1..6 {
            let moments = stacks[0].layers[layer].activation;
            assert!((moments.mean - 0.5).abs() < 0.01);
            assert!((moments.std - 0.121).abs() < 0.012);
        }
    }

    #[test]
    fn sigmoid_weight_gradients_of_the_lecture() {
        let stacks = GradientDepth::compute(&Config { width: 4096, ..Config::default() }, 0).unwrap().stacks;
        for (layer, expected) in [0.0006, 0.0016, 0.0064, 0.027, 0.115, 0.487].into_iter().enumerate() {
            let rms = stacks[0].layers[layer].gradient.weight_rms;
            assert!((rms / expected - 1.0).abs() < 0.15, "layer {}: {rms}", layer + 1);
        }
    }
}
