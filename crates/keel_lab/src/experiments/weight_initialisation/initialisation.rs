//! Six layers of 4,096 units before training: what the initial weights do to the signal and to its gradient.
//!
//! Reference values: the theory of infinitely wide layers, `signal::infinite_width`.

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::{
    Fan, InitSpec, KaimingNormalSpec, KaimingUniformSpec, OrthogonalSpec, SparseSpec, UniformSpec, XavierNormalSpec,
    XavierUniformSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::initialisation_page;
use crate::activation_name::ActivationName;
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::settings::Settings;
use crate::signal::{LayerSignal, Stack, infinite_width, weight_std};
use crate::statistics::{Histogram, Moments, fraction};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Initialisation: signal and gradient by layer", "初始化：逐层的信号与梯度"],
    summary: [
        "Histograms, mean and standard deviation of every layer's outputs and gradients before training, for any initialiser.",
        "训练开始前，不同初始化下每一层输出与梯度的直方图、均值和标准差。",
    ],
    chapter: Chapter::Initialisation,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "initialisation";
const BINS: usize = 60;
/// A function is flat where its derivative is below this share of its largest: for tanh where |h| > 0.99.
const FLAT: f32 = 0.0199;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Function after every layer.
    #[schemars(extend("zh" = "每层之后的激活函数。"))]
    pub(crate) activation: ActivationName,
    /// Units of every layer.
    #[schemars(extend("zh" = "每层的单元数。"))]
    #[schemars(range(min = 1, max = 8192))]
    pub(crate) width: usize,
    /// Layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 1, max = 200))]
    pub(crate) depth: usize,
    /// Samples of the standard normal input.
    #[schemars(extend("zh" = "标准正态输入的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) batch: usize,
    /// Initial weights.
    #[schemars(extend("zh" = "初始权重。"))]
    pub(crate) init: Init,
    /// Factor of xavier, kaiming and orthogonal weights in place of their own (1 for xavier and orthogonal, that of the
    /// activation for kaiming).
    #[schemars(extend("zh" = "代替 xavier、kaiming 与正交权重自身的增益（xavier 与正交为 1，kaiming 为激活函数的增益）。"))]
    #[schemars(range(min = 0.000001, max = 1000.0))]
    pub(crate) gain: Option<f64>,
}

/// Initial weights.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Init {
    /// Name of the initialiser; xavier and kaiming divide by the number of inputs.
    #[schemars(extend("zh" = "初始化方法；xavier 与 kaiming 按输入数缩放。"))]
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Standard deviation of normal and uniform weights; the value of constant ones.
    #[schemars(extend("zh" = "正态与均匀权重的标准差；常数权重的取值。"))]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub(crate) std: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
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
    /// The engine's initialiser, every default filled in.
    pub(crate) fn init_spec(&self) -> InitSpec {
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

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let (init, activation) = (config.init_spec(), config.activation.0);
    init.validate()?;
    let stack = Stack { width: config.width, depth: config.depth, batch: config.batch, activation, init };
    let signals = stack.run(RandomKey::new(seed));
    check_finite(&signals)?;
    let std = weight_std(init, activation, config.width);
    let theory = std.map(|std| infinite_width(activation, config.width as f64 * std * std, config.depth));
    let range = histogram_range(activation, &signals);
    let first_std = Moments::of_slice(&signals[0].output).std;
    let layers: Vec<Value> = signals
        .iter()
        .enumerate()
        .map(|(index, signal)| layer_document(index, signal, (activation, range, first_std), theory.as_deref()))
        .collect();
    let document = json!({
        "experiment": NAME,
        "width": config.width,
        "depth": config.depth,
        "batch": config.batch,
        "activation": activation.name(),
        "init": init_document(&config, init, std),
        "seed": seed,
        "layers": layers,
    });
    let page = initialisation_page::page(&config, &document);
    let settings = serde_json::to_value(&config).expect("configs are plain data");
    Ok(Findings { document, settings, page })
}

/// The initialiser as it was used: type, standard deviation of its weights where they have one, and gain.
fn init_document(config: &Config, init: InitSpec, std: Option<f64>) -> Value {
    let mut document = json!({ "type": init.name() });
    match config.init.kind {
        Kind::Normal | Kind::Uniform => document["std"] = json!(config.init.std),
        Kind::Constant => document["value"] = json!(config.init.std),
        _ => {
            if let Some(std) = std {
                document["std"] = json!(std);
                document["gain"] = json!(std * (config.width as f64).sqrt());
            }
        }
    }
    document
}

fn check_finite(signals: &[LayerSignal]) -> Result<(), LabError> {
    for (index, signal) in signals.iter().enumerate() {
        let parts = [
            ("the pre-activation", &signal.pre_activation),
            ("the output", &signal.output),
            ("the gradient", &signal.grad_output),
        ];
        for (part, values) in parts {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(LabError::NotFinite { experiment: NAME, what: format!("{part} of layer {}", index + 1) });
            }
        }
    }
    Ok(())
}

/// The same bins for all layers: the range of the function where it has one, else that of the values.
fn histogram_range(activation: Activation, signals: &[LayerSignal]) -> (f64, f64) {
    match activation {
        Activation::Tanh => (-1.0, 1.0),
        Activation::Sigmoid => (0.0, 1.0),
        _ => {
            let first = Moments::of_slice(&signals[0].output);
            let reach = (first.mean.abs() + 4.0 * first.std).max(f64::MIN_POSITIVE);
            let negative = signals.iter().any(|signal| signal.output.iter().any(|&value| value < 0.0));
            (if negative { -reach } else { 0.0 }, reach)
        }
    }
}

fn layer_document(
    index: usize,
    signal: &LayerSignal,
    (activation, range, first_std): (Activation, (f64, f64), f64),
    theory: Option<&[(f64, f64)]>,
) -> Value {
    let function = activation.initial_function();
    let largest = (-800..=800).map(|x| function.derivative(x as f32 * 0.01).abs()).fold(0.0, f32::max);
    let (pre, output) = (Moments::of_slice(&signal.pre_activation), Moments::of_slice(&signal.output));
    let derivatives: Vec<f32> = signal.pre_activation.iter().map(|&z| function.derivative(z)).collect();
    let flat = derivatives
        .iter()
        .zip(&signal.output)
        .filter(|(slope, output)| slope.abs() < FLAT * largest && **output != 0.0);
    let saturated = flat.count() as f64 / signal.output.len() as f64;
    let grad_output_rms = Moments::of_slice(&signal.grad_output).second_moment.sqrt();
    let mut document = json!({
        "layer": index + 1,
        "pre_activation": { "mean": pre.mean, "std": pre.std },
        "activation": {
            "mean": output.mean,
            "std": output.std,
            "second_moment": output.second_moment,
            "zero_fraction": fraction(&signal.output, |value| value == 0.0),
            "near_zero_fraction": fraction(&signal.output, |value| value.abs() < 0.05),
            "saturated_fraction": saturated,
            "mean_derivative": Moments::of_slice(&derivatives).mean,
            "histogram": Histogram::of(&signal.output, range, BINS),
        },
        "gradient": {
            "rms": signal.grad_weight_rms,
            "weight_rms": signal.grad_weight_rms,
            "activation_rms": grad_output_rms,
        },
    });
    document["verdict"] = json!(match () {
        () if output.std < 0.1 * first_std => "too_small",
        () if saturated > 0.25 => "saturated",
        () if output.std > 10.0 * first_std => "too_large",
        () => "in_range",
    });
    if let Some((mean, std)) = theory.map(|theory| theory[index]) {
        document["theory"] = json!({ "mean": mean, "std": std });
    }
    document
}

#[cfg(test)]
#[path = "initialisation_tests.rs"]
mod tests;
