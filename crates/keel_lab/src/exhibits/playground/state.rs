//! Knobs and controls of the playground.

use keel_nn::Graph;
use keel_nn::activations::Activation;
use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::activation_name::ActivationName;
use crate::exhibit::{Control, Preset};
use crate::recipe::{Block, Data, Norm, Preprocessing, Recipe, Start};

/// Number of steps per press of the play button.
const PLAYED: u64 = 20;
/// Maximum multiply-adds of an answer while the reader drags, and the cost of a step besides its network.
const DRAFT_WORK: u64 = 500_000_000;
const STEP_WORK: u64 = 600_000;
/// Cost of a step, in forward passes.
const PASSES: u64 = 3;
/// Fixed cost of an answer in forward passes of single samples: start, validation, and decision regions.
const FIXED_PASSES: u64 = 2_000;
const FIELD_PASSES: u64 = 2_500;

/// Knobs of the exhibit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct State {
    /// Samples to classify: points of two or three spiral arms, two half moons, two circles, or the embedded digits.
    #[schemars(extend("zh" = "待分类的样本：双臂或三臂螺旋、双月、双环上的点，或内置的手写数字。"))]
    pub(super) data: Data,
    /// Noise of the points: radians along a spiral, radii of moons and circles.
    #[schemars(extend("zh" = "点的噪声：螺旋以弧度计，双月与双环以半径计。"))]
    #[schemars(range(min = 0.0, max = 0.5))]
    pub(super) noise: f64,
    /// Form of the inputs: raw values from 0 to 255, the same divided by 255, or mean 0 and standard deviation 1.
    #[schemars(extend("zh" = "输入的形式：0 到 255 的原始值、除以 255，或均值 0、标准差 1。"))]
    pub(super) preprocessing: Preprocessing,
    /// Hidden layers: linear, or 3×3 convolutions, which need the digits.
    #[schemars(extend("zh" = "隐藏层：线性层，或 3×3 卷积（仅用于手写数字）。"))]
    pub(super) block: Block,
    /// Hidden layers; with none the network is a softmax classifier.
    #[schemars(extend("zh" = "隐藏层数；取 0 即 softmax 分类器。"))]
    #[schemars(range(min = 0, max = 10))]
    pub(super) layers: usize,
    /// Units of each hidden layer; channels of a convolution, of which 32 at most are used.
    #[schemars(extend("zh" = "每个隐藏层的单元数；卷积层则为通道数，最多取 32。"))]
    #[schemars(range(min = 1, max = 128))]
    pub(super) width: usize,
    /// Activation function of the hidden layers.
    #[schemars(extend("zh" = "隐藏层的激活函数。"))]
    pub(super) activation: ActivationName,
    /// Normalisation before each activation.
    #[schemars(extend("zh" = "每个激活之前的归一化。"))]
    pub(super) norm: Norm,
    /// Initialiser of the weights: one that fits the activation, normal with standard deviation 0.01, Xavier, Kaiming, or
    /// 0.1 for all.
    #[schemars(extend("zh" = "权重初始化：按激活函数选取、标准差 0.01 的正态、Xavier、Kaiming，或全取 0.1。"))]
    pub(super) init: Start,
    /// Learning rate of stochastic gradient descent.
    #[schemars(extend("zh" = "随机梯度下降的学习率。"))]
    #[schemars(range(min = 0.00001, max = 10.0))]
    pub(super) learning_rate: f64,
    /// Share of the last update added to the next.
    #[schemars(extend("zh" = "动量：上一次更新计入下一次的比例。"))]
    #[schemars(range(min = 0.0, max = 0.99))]
    pub(super) momentum: f64,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 2, max = 256))]
    pub(super) batch: usize,
    /// Training steps so far.
    #[schemars(extend("zh" = "已训练的步数。"))]
    #[schemars(range(min = 0, max = 5000))]
    pub(super) steps: usize,
    /// Horizontal position of the queried point, in pixels.
    #[schemars(extend("zh" = "查询点的横坐标，以像素计。"))]
    #[schemars(range(min = 0.0, max = 256.0))]
    pub(super) x: f64,
    /// Vertical position of the queried point, in pixels.
    #[schemars(extend("zh" = "查询点的纵坐标，以像素计。"))]
    #[schemars(range(min = 0.0, max = 256.0))]
    pub(super) y: f64,
}

impl Default for State {
    fn default() -> Self {
        State {
            data: Data::ThreeArms,
            noise: 0.2,
            preprocessing: Preprocessing::Standardised,
            block: Block::Linear,
            layers: 3,
            width: 32,
            activation: ActivationName(Activation::Relu),
            norm: Norm::None,
            init: Start::Auto,
            learning_rate: 0.05,
            momentum: 0.9,
            batch: 32,
            steps: 100,
            x: 128.0,
            y: 160.0,
        }
    }
}

/// Maximum number of channels of a convolution.
const CHANNELS: usize = 32;

impl State {
    /// Returns the network, its data and its training settings.
    pub(super) fn recipe(&self) -> Recipe {
        let recipe = Recipe {
            data: self.data,
            noise: self.noise,
            preprocessing: self.preprocessing,
            block: self.block,
            depth: self.layers,
            width: self.width,
            activation: self.activation.0,
            norm: self.norm,
            start: self.init,
            bias: 0.0,
            learning_rate: self.learning_rate,
            momentum: self.momentum,
            batch: self.batch,
            shuffled: true,
        };
        let width = if recipe.convolves() { recipe.width.min(CHANNELS) } else { recipe.width };
        Recipe { width, ..recipe }
    }

    /// Returns a state with fewer steps, and with narrower layers if even none would take longer than a redraw; `None`
    /// if the state is fast enough.
    pub(super) fn draft(&self) -> Option<Self> {
        let mut state = self.clone();
        while state.work()? > DRAFT_WORK / 2 && state.width > 1 {
            state.width = state.recipe().width / 2;
        }
        let left = DRAFT_WORK.saturating_sub(state.work()?);
        let steps = left / (PASSES * state.multiply_adds()? * state.batch as u64 + STEP_WORK);
        state.steps = state.steps.min(usize::try_from(steps).unwrap_or(usize::MAX));
        (state != *self).then_some(state)
    }

    /// Returns the multiply-adds of an answer without a step, or `None` if there is no such network.
    fn work(&self) -> Option<u64> {
        let field = if self.data.points().is_some() { FIELD_PASSES } else { 0 };
        Some(self.multiply_adds()? * (FIXED_PASSES + field))
    }

    /// Returns the multiply-adds of one sample, or `None` if there is no such network.
    fn multiply_adds(&self) -> Option<u64> {
        let recipe = self.recipe();
        let task = recipe.task();
        Graph::build(task.input, &recipe.layers(), task.classes).ok().map(|graph| graph.multiply_adds())
    }
}

/// Returns the controls, in display order.
pub(super) fn controls() -> Vec<Control> {
    let slider = |knob, label, scale| Control::Slider { knob, label, scale };
    vec![
        presets(),
        Control::Play { knob: "steps", label: Text::new("Training", "训练"), step: PLAYED },
        Control::Choice {
            knob: "data",
            label: Text::new("Data", "数据"),
            words: vec![
                ("two_arms", Text::new("spiral, two arms", "双臂螺旋")),
                ("three_arms", Text::new("spiral, three arms", "三臂螺旋")),
                ("moons", Text::new("two moons", "双月")),
                ("circles", Text::new("two circles", "双环")),
                ("digits", Text::new("digits", "手写数字")),
            ],
        },
        Control::Choice {
            knob: "preprocessing",
            label: Text::new("Inputs", "输入"),
            words: vec![
                ("raw", Text::new("raw, 0 to 255", "原始值，0 到 255")),
                ("scaled", Text::new("divided by 255", "除以 255")),
                ("standardised", Text::new("standardised", "标准化")),
            ],
        },
        Control::Choice {
            knob: "block",
            label: Text::new("Hidden layers", "隐藏层类型"),
            words: vec![
                ("linear", Text::new("linear", "线性")),
                ("convolution", Text::new("convolution (digits)", "卷积（手写数字）")),
            ],
        },
        slider("layers", Text::new("Number of hidden layers", "隐藏层数"), Scale::Linear),
        slider("width", Text::new("Width", "宽度"), Scale::Linear),
        Control::Choice { knob: "activation", label: Text::new("Activation", "激活函数"), words: Vec::new() },
        Control::Choice {
            knob: "norm",
            label: Text::new("Normalisation", "归一化"),
            words: vec![("none", Text::new("none", "无")), ("batch", Text::new("batch norm", "批量归一化"))],
        },
        Control::Choice {
            knob: "init",
            label: Text::new("Weights", "权重初始化"),
            words: [Start::Auto, Start::Small, Start::Xavier, Start::Kaiming, Start::Constant]
                .into_iter()
                .zip(["auto", "small", "xavier", "kaiming", "constant"])
                .map(|(start, name)| (name, start.title()))
                .collect(),
        },
        slider("learning_rate", Text::new("Learning rate", "学习率"), Scale::Logarithmic),
        slider("momentum", Text::new("Momentum", "动量"), Scale::Linear),
        slider("batch", Text::new("Batch size", "批量大小"), Scale::Logarithmic),
        slider("noise", Text::new("Noise of the points", "点的噪声"), Scale::Linear),
        slider("steps", Text::new("Steps", "步数"), Scale::Linear),
        slider("x", Text::new("Point: x₁", "查询点：x₁"), Scale::Linear),
        slider("y", Text::new("Point: x₂", "查询点：x₂"), Scale::Linear),
        Control::Drag { figure: super::FIELD_FIGURE, x: Some("x"), y: Some("y") },
    ]
}

/// Returns the lecture's advice, its opposite, and the mistakes the chapters warn of.
fn presets() -> Control {
    let preset = |label, settings: &[(&'static str, Value)]| Preset { label, settings: settings.to_vec() };
    Control::Presets {
        label: Text::new("Networks of the lecture", "课程中的网络"),
        presets: vec![
            preset(
                Text::new("The four recommendations", "四条建议"),
                &[
                    ("preprocessing", json!("standardised")),
                    ("layers", json!(5)),
                    ("width", json!(32)),
                    ("activation", json!("relu")),
                    ("norm", json!("batch")),
                    ("init", json!("auto")),
                    ("learning_rate", json!(0.05)),
                    ("momentum", json!(0.9)),
                    ("batch", json!(32)),
                ],
            ),
            preset(
                Text::new("None of the four", "四条全无"),
                &[
                    ("preprocessing", json!("raw")),
                    ("layers", json!(5)),
                    ("width", json!(32)),
                    ("activation", json!("sigmoid")),
                    ("norm", json!("none")),
                    ("init", json!("small")),
                    ("learning_rate", json!(0.05)),
                    ("momentum", json!(0.9)),
                    ("batch", json!(32)),
                ],
            ),
            preset(
                Text::new("Deep tanh, weights 0.01", "深层 tanh，权重 0.01"),
                &[
                    ("preprocessing", json!("standardised")),
                    ("layers", json!(6)),
                    ("activation", json!("tanh")),
                    ("norm", json!("none")),
                    ("init", json!("small")),
                ],
            ),
            preset(
                Text::new("Constant weights", "常数权重"),
                &[("layers", json!(2)), ("norm", json!("none")), ("init", json!("constant"))],
            ),
            preset(
                Text::new("Learning rate too high", "学习率过高"),
                &[
                    ("layers", json!(3)),
                    ("norm", json!("none")),
                    ("init", json!("auto")),
                    ("learning_rate", json!(3.0)),
                ],
            ),
            preset(
                Text::new("Softmax on the spiral", "螺旋上的 softmax"),
                &[
                    ("data", json!("three_arms")),
                    ("preprocessing", json!("standardised")),
                    ("layers", json!(0)),
                    ("learning_rate", json!(0.1)),
                    ("steps", json!(400)),
                ],
            ),
            preset(
                Text::new("Convolution, batch norm, relu", "卷积、批量归一化、ReLU"),
                &[
                    ("data", json!("digits")),
                    ("preprocessing", json!("standardised")),
                    ("block", json!("convolution")),
                    ("layers", json!(2)),
                    ("width", json!(8)),
                    ("activation", json!("relu")),
                    ("norm", json!("batch")),
                    ("init", json!("auto")),
                    ("learning_rate", json!(0.05)),
                    ("steps", json!(60)),
                ],
            ),
        ],
    }
}
