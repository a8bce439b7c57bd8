//! Step-by-step derivation of Kaiming's factor 2, with the choice at its decisive step applied to a real stack of relu layers.
//!
//! Source: He, Zhang, Ren, Sun: Delving deep into rectifiers (2015), section 2.2.

mod line;
mod view;

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, Preset, View};
use crate::experiment::Chapter;
use crate::experiments::weight_initialisation::kaiming_gain::stacks::Steps;
use crate::experiments::weight_initialisation::kaiming_gain::{KAIMING, XAVIER, if_variance};
use crate::signal::{Draws, Scales, Stack, affordable_width, infinite_width, infinite_width_gradients};
use crate::statistics::Moments;

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<Derivation>();

struct Derivation;

impl Exhibit for Derivation {
    const NAME: &'static str = "derivation";
    const TITLE: [&'static str; 2] = ["Derive the 2 of Kaiming yourself", "亲手推导 Kaiming 的 2"];
    const SUMMARY: [&'static str; 2] = [
        "Go through the derivation line by line, choose what represents the second moment at its decisive step, and watch a \
         real stack of relu layers keep the signal, lose it or blow it up.",
        "逐行走完推导，在关键一步选择用什么代表二阶矩，看真实的多层 ReLU 网络中信号是保持、消失还是爆炸。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;
    const EXPERIMENT: &'static str = "kaiming_gain";

    type State = State;
    type Numbers = Numbers;
    type Memory = Draws;

    fn compute(state: &State, seed: u64, memory: &mut Draws) -> Result<Numbers, LabError> {
        let State { factor, width, depth, .. } = *state;
        let stack = Stack { width, depth, batch: BATCH, activation: Activation::Relu, init: InitSpec::normal(1.0) };
        let scales = Scales { weights: (factor / width as f64).sqrt(), input: state.input_std() };
        let signals = memory.run(&stack, scales, RandomKey::new(seed));
        let theory = infinite_width(Activation::Relu, factor, depth);
        let gradients = infinite_width_gradients(Activation::Relu, factor, BATCH, &theory);
        let mut layers = Vec::with_capacity(depth);
        for (index, (signal, (theory, gradient))) in signals.iter().zip(theory.iter().zip(gradients)).enumerate() {
            layers.push(Layer {
                layer: index + 1,
                std: Moments::of_slice(&signal.output).std,
                predicted_std: theory.std * scales.input,
                gradient: Moments::of_slice(&signal.grad_output).second_moment.sqrt(),
                predicted_gradient: gradient.activation_rms,
            });
        }
        let std = |layer: usize| Moments::of_slice(&signals[layer].pre_activation).std;
        let log10_ratio = (std(depth - 1) / std(0)).log10();
        let finite = |layer: &Layer| layer.std.is_finite() && layer.gradient.is_finite();
        if !layers.iter().all(finite) {
            return Err(LabError::NotFinite { experiment: Self::NAME, what: "the signal".to_owned() });
        }
        Ok(Numbers {
            rule: Rule::of(factor),
            log10_ratio: log10_ratio.is_finite().then_some(log10_ratio),
            predicted_log10_ratio: predicted_log10_ratio(factor, depth),
            layers,
            measured: Steps::of(&signals, factor),
        })
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        view::view(state, numbers)
    }

    fn controls() -> Vec<Control> {
        let slider = |knob, label, scale| Control::Slider { knob, label, scale };
        let choices = Rule::ALL.map(|rule| Preset {
            label: rule.choice(),
            settings: vec![("step", DECISIVE.into()), ("factor", rule.factor().into())],
        });
        vec![
            Control::Play { knob: "step", label: Text::new("Step", "步骤"), step: 1 },
            slider("step", Text::new("Step of the derivation", "推导的步骤"), Scale::Linear),
            Control::Presets {
                label: Text::new("After relu, E[x²] is …", "ReLU 之后，E[x²] 取作……"),
                presets: choices.into(),
            },
            slider("factor", Text::new("Factor g of Var(w) = g/n", "Var(w) = g/n 的系数 g"), Scale::Logarithmic),
            Control::Switch { knob: "first_layer", label: Text::new("1/n in the first layer", "第一层取 1/n") },
            slider("depth", Text::new("Depth", "深度"), Scale::Linear),
            slider("width", Text::new("Width", "宽度"), Scale::Logarithmic),
            Control::Drag { figure: 2, x: Some("factor"), y: None },
        ]
    }

    fn draft(state: &State) -> Option<State> {
        affordable_width(state.width, state.depth).map(|width| State { width, ..state.clone() })
    }
}

/// Number of samples of the standard normal input.
const BATCH: usize = 16;
/// Number of steps, and the step at which the reader chooses.
const STEPS: usize = line::LINES.len();
const DECISIVE: usize = 3;
/// Range of the factor.
const SMALLEST: f64 = 0.25;
const LARGEST: f64 = 8.0;

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Steps of the derivation that are shown.
    #[schemars(extend("zh" = "显示到推导的第几步。"))]
    #[schemars(range(min = 1, max = 8))]
    step: usize,
    /// Factor g of the variance of the weights, g/n: 1 is Xavier's, 2 Kaiming's.
    #[schemars(extend("zh" = "权重方差 g/n 的系数 g：1 为 Xavier，2 为 Kaiming。"))]
    #[schemars(range(min = 0.25, max = 8.0))]
    factor: f64,
    /// Variance 1/n for the weights of the first layer, which has no relu before it.
    #[schemars(extend("zh" = "第一层之前没有 ReLU，其权重方差取 1/n。"))]
    first_layer: bool,
    /// Number of layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 2, max = 60))]
    depth: usize,
    /// Units of every layer, n.
    #[schemars(extend("zh" = "每层的单元数 n。"))]
    #[schemars(range(min = 16, max = 1024))]
    width: usize,
}

impl Default for State {
    fn default() -> Self {
        State { step: DECISIVE, factor: XAVIER, first_layer: false, depth: 30, width: 512 }
    }
}

impl State {
    /// Returns the standard deviation of the input. Weights of 1/n in the first layer alone are equivalent to an input
    /// smaller by √g, since relu is positively homogeneous.
    fn input_std(&self) -> f64 {
        if self.first_layer { self.factor.sqrt().recip() } else { 1.0 }
    }
}

/// Theory of the second moment passed on by a layer; each leads to a different factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Rule {
    /// E[x²]
    SecondMoment,
    /// Var(x)
    Variance,
    /// Var(y), not rectified.
    Unrectified,
}

impl Rule {
    const ALL: [Rule; 3] = [Rule::SecondMoment, Rule::Variance, Rule::Unrectified];

    /// Returns the factor g that preserves the signal if the theory is right.
    fn factor(self) -> f64 {
        match self {
            Rule::SecondMoment => KAIMING,
            Rule::Variance => if_variance(),
            Rule::Unrectified => XAVIER,
        }
    }

    /// Returns the theory that leads to this factor, to half a per cent.
    fn of(factor: f64) -> Option<Self> {
        Rule::ALL.into_iter().find(|rule| (rule.factor() / factor - 1.0).abs() < 0.005)
    }

    /// Returns the label of its button.
    fn choice(self) -> Text {
        match self {
            Rule::SecondMoment => Text::new("½ Var(y), its integral: 2/n", "½ Var(y)，即积分的结果：2/n"),
            Rule::Variance => Text::new("Var(x) = 0.34 Var(y): 2.93/n", "Var(x) = 0.34 Var(y)：2.93/n"),
            Rule::Unrectified => Text::new("Var(y), as if not rectified: 1/n", "Var(y)，当作没有 ReLU：1/n"),
        }
    }

    /// Returns its name in a sentence.
    fn title(self) -> Text {
        match self {
            Rule::SecondMoment => Text::new("E[x²] = ½ Var(y), Kaiming's choice", "E[x²] = ½ Var(y)，即 Kaiming"),
            Rule::Variance => Text::new("Var(x) instead of E[x²]", "用 Var(x) 代替 E[x²]"),
            Rule::Unrectified => {
                Text::new("x taken as if not rectified, Xavier's choice", "把 x 当作未经 ReLU，即 Xavier")
            }
        }
    }
}

/// Returns log10 of the pre-activations' standard deviation, last layer over first, at infinite width.
fn predicted_log10_ratio(factor: f64, depth: usize) -> f64 {
    0.5 * (depth - 1) as f64 * (factor / KAIMING).log10()
}

/// Numbers of the figures.
#[derive(Debug, PartialEq, Serialize)]
struct Numbers {
    /// Theory that leads to this factor, if one of the three does.
    rule: Option<Rule>,
    /// Ratio of the pre-activations, last layer over first; `None` if a layer outputs only zeros.
    log10_ratio: Option<f64>,
    predicted_log10_ratio: f64,
    layers: Vec<Layer>,
    measured: Steps,
}

/// One layer of the stack.
#[derive(Debug, PartialEq, Serialize)]
struct Layer {
    layer: usize,
    /// Standard deviation of the outputs.
    std: f64,
    predicted_std: f64,
    /// Root mean square of dL/dh.
    gradient: f64,
    predicted_gradient: f64,
}

#[cfg(test)]
mod tests;
