//! Initial weights: any activation, width, depth and scale, with the signal, the gradient and the theory of both.

mod view;

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activation_name::ActivationName;
use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, Preset, View};
use crate::experiment::Chapter;
use crate::experiments::weight_initialisation::initialisation::layers::{Layer, measured};
use crate::experiments::weight_initialisation::initialisation::lecture::{SLIDE_WIDTH, Setting, printed_std};
use crate::signal::{Draws, GradientTheory, Scales, Stack, affordable_width, infinite_width, infinite_width_gradients};
use crate::statistics::Moments;

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<InitialisationBench>();

struct InitialisationBench;

impl Exhibit for InitialisationBench {
    const NAME: &'static str = "initialisation_bench";
    const TITLE: [&'static str; 2] = ["The bench of initial weights", "初始权重试验台"];
    const SUMMARY: [&'static str; 2] = [
        "Turn the scale of the weights, the activation, width and depth: histograms of the outputs, their deviation and the \
         gradients in every layer, compared with the theory of infinitely wide layers.",
        "调节权重尺度、激活函数、宽度与深度：每层输出的直方图、标准差与梯度，并与无限宽层的理论值对照。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;
    const EXPERIMENT: &'static str = "initialisation";

    type State = State;
    type Numbers = Numbers;
    type Memory = Memory;

    fn compute(state: &State, seed: u64, memory: &mut Memory) -> Result<Numbers, LabError> {
        let State { width, depth, batch, activation: ActivationName(activation), .. } = *state;
        let std = state.weight_std();
        let scaled_variance = width as f64 * std * std;
        let stack = Stack { width, depth, batch, activation, init: InitSpec::normal(1.0) };
        let signals = memory.draws.run(&stack, Scales { weights: std, input: 1.0 }, RandomKey::new(seed));
        let theory = Theory::of(activation, scaled_variance, batch, depth);
        let layers = measured(Self::NAME, activation, &signals, theory.as_ref().map(|theory| &theory.outputs[..]))?;
        Ok(Numbers {
            weight_std: std,
            scaled_variance,
            layers,
            gradient_theory: theory.map(|theory| theory.gradients),
            slide_std: printed_std(activation, scaled_variance),
            by_gain: memory.by_gain(state),
        })
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        view::view(state, numbers)
    }

    fn controls() -> Vec<Control> {
        let slider = |knob, label, scale| Control::Slider { knob, label, scale };
        vec![
            Control::Presets { label: Text::new("The lecture's slides", "课件中的设置"), presets: presets() },
            Control::Choice { knob: "activation", label: Text::new("Activation", "激活函数"), words: Vec::new() },
            Control::Choice {
                knob: "scheme",
                label: Text::new("Standard deviation of the weights", "权重的标准差"),
                words: vec![
                    ("std", Text::new("a number", "指定数值")),
                    ("xavier", Text::same("Xavier")),
                    ("kaiming", Text::same("Kaiming")),
                ],
            },
            slider("std", Text::new("The number", "指定的数值"), Scale::Logarithmic),
            slider("gain", Text::new("Gain", "增益"), Scale::Logarithmic),
            slider("width", Text::new("Width", "宽度"), Scale::Logarithmic),
            slider("depth", Text::new("Depth", "深度"), Scale::Linear),
            slider("batch", Text::new("Samples", "样本数"), Scale::Logarithmic),
            Control::Drag { figure: 1, x: Some("gain"), y: None },
        ]
    }

    fn draft(state: &State) -> Option<State> {
        let width = affordable_width(state.width, state.depth);
        let batch = (state.batch > DRAFT_BATCH).then_some(DRAFT_BATCH);
        if width.is_none() && batch.is_none() {
            return None;
        }
        let (width, batch) = (width.unwrap_or(state.width), batch.unwrap_or(state.batch));
        // Keep n·Var(w), which decides the outcome; Xavier and Kaiming keep it by themselves.
        let std = state.std * (state.width as f64 / width as f64).sqrt();
        Some(State { width, batch, std, ..state.clone() })
    }
}

/// Maximum gain (its inverse is the minimum), and the number of points on each side of 1 at which theory is drawn.
const LARGEST_GAIN: f64 = 4.0;
const PLACES: i32 = 8;
/// Maximum number of samples of a draft.
const DRAFT_BATCH: usize = 32;

/// Knobs of the exhibit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Function after every layer.
    #[schemars(extend("zh" = "每层之后的激活函数。"))]
    activation: ActivationName,
    /// Rule for the standard deviation of the weights: a number, √(1/n), or the activation's factor times √(1/n), which is
    /// √(2/n) for relu.
    #[schemars(extend("zh" = "权重标准差的规则：指定数值、√(1/n)，或激活函数的系数乘以 √(1/n)（ReLU 即 √(2/n)）。"))]
    scheme: Scheme,
    /// Standard deviation of the weights where the scheme is a number.
    #[schemars(extend("zh" = "指定数值时权重的标准差。"))]
    #[schemars(range(min = 0.001, max = 1.0))]
    std: f64,
    /// Factor of the standard deviation under any scheme; 1 leaves it.
    #[schemars(extend("zh" = "任何规则下标准差再乘以的系数；1 表示不变。"))]
    #[schemars(range(min = 0.25, max = 4.0))]
    gain: f64,
    /// Units of every layer, n.
    #[schemars(extend("zh" = "每层的单元数 n。"))]
    #[schemars(range(min = 16, max = 4096))]
    width: usize,
    /// Number of layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 2, max = 30))]
    depth: usize,
    /// Number of samples of the standard normal input.
    #[schemars(extend("zh" = "标准正态输入的样本数。"))]
    #[schemars(range(min = 2, max = 256))]
    batch: usize,
}

/// Rule for the standard deviation of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    Std,
    Xavier,
    Kaiming,
}

impl Default for State {
    fn default() -> Self {
        State {
            activation: ActivationName(Activation::Tanh),
            scheme: Scheme::Xavier,
            std: 0.01,
            gain: 1.0,
            width: 512,
            depth: 6,
            batch: 16,
        }
    }
}

impl State {
    /// Standard deviation of the weights.
    fn weight_std(&self) -> f64 {
        self.gain * self.std_without_gain()
    }

    /// Standard deviation that the scheme gives to the weights.
    fn std_without_gain(&self) -> f64 {
        let fan = (self.width as f64).sqrt();
        match self.scheme {
            Scheme::Std => self.std,
            Scheme::Xavier => 1.0 / fan,
            Scheme::Kaiming => f64::from(self.activation.0.gain().value()) / fan,
        }
    }
}

/// Numbers of the figures.
#[derive(Debug, PartialEq, Serialize)]
struct Numbers {
    weight_std: f64,
    /// Number of inputs times the variance of a weight, which decides the outcome.
    scaled_variance: f64,
    layers: Vec<Layer>,
    /// Theory of every layer; `None` if it overflows.
    gradient_theory: Option<Vec<GradientTheory>>,
    /// Values printed on a slide with these weights.
    slide_std: Option<[f64; 6]>,
    by_gain: Vec<Turned>,
}

/// Theory of the same stack with another gain.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Turned {
    gain: f64,
    /// Standard deviation of the last outputs.
    std: f64,
    /// Root mean square of dL/dh at the first layer.
    gradient: f64,
}

/// Work kept from one answer to the next.
#[derive(Default)]
struct Memory {
    draws: Draws,
    /// Latest curve over the gain, valid for this state with any gain.
    turned: Option<(State, Vec<Turned>)>,
}

impl Memory {
    /// Returns the theory of the stack for all gains.
    fn by_gain(&mut self, state: &State) -> Vec<Turned> {
        let ungained = State { gain: 1.0, ..state.clone() };
        match &self.turned {
            Some((known, turned)) if *known == ungained => turned.clone(),
            _ => {
                let turned: Vec<Turned> = (-PLACES..=PLACES).filter_map(|place| Turned::at(&ungained, place)).collect();
                self.turned = Some((ungained, turned.clone()));
                turned
            }
        }
    }
}

impl Turned {
    /// Returns the theory with the gain at `place`, from -[`PLACES`] to [`PLACES`]; `None` if it overflows.
    fn at(ungained: &State, place: i32) -> Option<Self> {
        let gain = LARGEST_GAIN.powf(f64::from(place) / f64::from(PLACES));
        let scaled_variance = ungained.width as f64 * (gain * ungained.std_without_gain()).powi(2);
        let theory = Theory::of(ungained.activation.0, scaled_variance, ungained.batch, ungained.depth)?;
        let (std, gradient) = (theory.outputs.last()?.std, theory.gradients.first()?.activation_rms);
        Some(Turned { gain, std, gradient })
    }
}

/// Signal and gradient at infinite width, one entry per layer.
struct Theory {
    outputs: Vec<Moments>,
    gradients: Vec<GradientTheory>,
}

impl Theory {
    /// Computes the theory; returns `None` if a number is not finite.
    fn of(activation: Activation, scaled_variance: f64, batch: usize, depth: usize) -> Option<Self> {
        let outputs = infinite_width(activation, scaled_variance, depth);
        if !outputs.iter().all(|one| one.mean.is_finite() && one.second_moment.is_finite()) {
            return None;
        }
        let gradients = infinite_width_gradients(activation, scaled_variance, batch, &outputs);
        let finite = gradients.iter().all(|one| one.activation_rms.is_finite() && one.weight_rms.is_finite());
        finite.then_some(Theory { outputs, gradients })
    }
}

/// Returns the lecture's five settings, at its width.
fn presets() -> Vec<Preset> {
    let preset = |setting: Setting, activation: Activation, scheme: &str, std: Option<f64>| {
        let mut settings = vec![
            ("activation", activation.name().into()),
            ("scheme", scheme.into()),
            ("gain", 1.0.into()),
            ("width", SLIDE_WIDTH.into()),
            ("depth", 6.into()),
            ("batch", 16.into()),
        ];
        settings.extend(std.map(|std| ("std", std.into())));
        Preset { label: setting.title(), settings }
    };
    vec![
        preset(Setting::TanhSmall, Activation::Tanh, "std", Some(0.01)),
        preset(Setting::TanhLarge, Activation::Tanh, "std", Some(0.05)),
        preset(Setting::TanhXavier, Activation::Tanh, "xavier", None),
        preset(Setting::ReluXavier, Activation::Relu, "xavier", None),
        preset(Setting::ReluKaiming, Activation::Relu, "kaiming", None),
    ]
}

#[cfg(test)]
mod tests;
