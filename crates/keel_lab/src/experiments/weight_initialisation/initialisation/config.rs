//! Knobs of the initialisation experiment.

use keel_nn::activations::Activation;
use keel_nn::init::{
    Fan, InitSpec, KaimingNormalSpec, KaimingUniformSpec, OrthogonalSpec, SparseSpec, UniformSpec, XavierNormalSpec,
    XavierUniformSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activation_name::ActivationName;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// Function after every layer.
    #[schemars(extend("zh" = "每层之后的激活函数。"))]
    pub(super) activation: ActivationName,
    /// Number of units per layer.
    #[schemars(extend("zh" = "每层的单元数。"))]
    #[schemars(range(min = 1, max = 8192))]
    pub(super) width: usize,
    /// Number of layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 1, max = 200))]
    pub(super) depth: usize,
    /// Number of samples of the standard normal input.
    #[schemars(extend("zh" = "标准正态输入的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    pub(super) batch: usize,
    /// Initial weights.
    #[schemars(extend("zh" = "初始权重。"))]
    pub(super) init: Init,
    /// Factor of xavier, kaiming and orthogonal weights instead of their own (1 for xavier and orthogonal, that of the
    /// activation for kaiming).
    #[schemars(extend("zh" = "代替 xavier、kaiming 与正交权重自身的增益（xavier 与正交为 1，kaiming 为激活函数的增益）。"))]
    #[schemars(range(min = 0.000001, max = 1000.0))]
    pub(super) gain: Option<f64>,
}

/// Initial weights.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Init {
    /// Name of the initialiser; xavier and kaiming divide by the number of inputs.
    #[schemars(extend("zh" = "初始化方法；xavier 与 kaiming 按输入数缩放。"))]
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// Standard deviation of normal and uniform weights; the value of constant ones.
    #[schemars(extend("zh" = "正态与均匀权重的标准差；常数权重的取值。"))]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub(super) std: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Auto,
    Zeros,
    Constant,
    Normal,
    Uniform,
    XavierNormal,
    XavierUniform,
    KaimingNormal,
    KaimingUniform,
    LecunNormal,
    Orthogonal,
    Sparse,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            activation: ActivationName(Activation::Tanh),
            width: 4096,
            depth: 6,
            batch: 16,
            init: Init::default(),
            gain: None,
        }
    }
}

impl Default for Init {
    fn default() -> Self {
        Init { kind: Kind::Normal, std: 0.01 }
    }
}

impl Config {
    /// Returns the engine's initialiser with all defaults filled in.
    pub(super) fn init_spec(&self) -> InitSpec {
        let (std, fan) = (self.init.std as f32, Fan::In);
        let own = self.gain.map(|gain| gain as f32);
        let gain = own.unwrap_or(1.0);
        let spec = match self.init.kind {
            Kind::Auto => match InitSpec::Auto.resolve(Some(self.activation.0)) {
                InitSpec::XavierNormal(_) => InitSpec::XavierNormal(XavierNormalSpec { gain, fan }),
                InitSpec::KaimingNormal(KaimingNormalSpec { gain, .. }) => {
                    InitSpec::KaimingNormal(KaimingNormalSpec { gain: own.or(gain), fan })
                }
                other => other,
            },
            Kind::Zeros => InitSpec::Zeros,
            Kind::Constant => InitSpec::constant(std),
            Kind::Normal => InitSpec::normal(std),
            Kind::Uniform => InitSpec::Uniform(UniformSpec { limit: std * 3.0_f32.sqrt() }),
            Kind::XavierNormal => InitSpec::XavierNormal(XavierNormalSpec { gain, fan }),
            Kind::XavierUniform => InitSpec::XavierUniform(XavierUniformSpec { gain, fan }),
            Kind::KaimingNormal => InitSpec::KaimingNormal(KaimingNormalSpec { gain: own, fan }),
            Kind::KaimingUniform => InitSpec::KaimingUniform(KaimingUniformSpec { gain: own, fan }),
            Kind::LecunNormal => InitSpec::LecunNormal,
            Kind::Orthogonal => InitSpec::Orthogonal(OrthogonalSpec { gain }),
            Kind::Sparse => InitSpec::Sparse(SparseSpec { n: 10, std: None }),
        };
        spec.resolve(Some(self.activation.0))
    }
}
