//! The gate: one function, the gradient that passes through it, and its remainder after many gates.

use keel_nn::activations::Activation;
use keel_page::Text;
use keel_page::charts::{Gate, Marks, Plot, Scale, Series, number};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activation_name::ActivationName;
use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, View};
use crate::experiment::Chapter;

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<GateExhibit>();

struct GateExhibit;

impl Exhibit for GateExhibit {
    const NAME: &'static str = "gate";
    const TITLE: [&'static str; 2] = ["The gate: move x", "门：拖动 x"];
    const SUMMARY: [&'static str; 2] = [
        "Drag the input along the curve: the local gradient decides how much of the gradient passes, and the product through \
         many gates decides how much remains of it.",
        "沿曲线拖动输入：局部梯度决定有多少梯度通过，连乘多个门之后决定还剩多少。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;
    const EXPERIMENT: &'static str = "activations";

    const IS_RANDOM: bool = false;

    type State = State;
    type Numbers = Numbers;
    type Memory = ();

    fn compute(state: &State, _seed: u64, _memory: &mut ()) -> Result<Numbers, LabError> {
        let function = state.activation.0.initial_function();
        let value = |x: f64| f64::from(function.value(x as f32));
        let slope = |x: f64| f64::from(function.derivative(x as f32));
        let inputs: Vec<f64> =
            (0..POINTS).map(|point| REACH * (2.0 * point as f64 / (POINTS - 1) as f64 - 1.0)).collect();
        let derivative = slope(state.x);
        Ok(Numbers {
            value: value(state.x),
            derivative,
            passed: derivative * state.upstream,
            remaining: (0..=state.gates as i32).map(|gates| derivative.abs().powi(gates)).collect(),
            curve: inputs.iter().map(|&x| [x, value(x), slope(x)]).collect(),
        })
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        let name = state.activation.0.name();
        let (x, slope) = (number(state.x), number(numbers.derivative));
        let gates = state.gates;
        let left = number(numbers.remaining.last().copied().unwrap_or(1.0));
        let status = Text::new(
            format!(
                "At x = {x} the local gradient of {name} is {slope}; after {gates} such gates {left} of the gradient remains."
            ),
            format!("x = {x} 处，{name} 的局部梯度为 {slope}；经过 {gates} 个这样的门，梯度还剩 {left}。"),
        );
        let column = |index: usize| numbers.curve.iter().map(|point| (point[0], point[index])).collect::<Vec<_>>();
        let curve = Plot::new("x", Text::new("value and derivative", "函数值与导数"))
            .x_range(-REACH, REACH)
            .with(Series::new(name, column(1), Marks::Line))
            .with(Series::new(Text::new("derivative", "导数"), column(2), Marks::Line))
            .with(Series::new(Text::new("chosen input", "所选输入"), vec![(state.x, numbers.value)], Marks::Handle))
            .with(Series::new(
                Text::new("its local gradient", "该处的局部梯度"),
                vec![(state.x, numbers.derivative)],
                Marks::Points,
            ));
        let gate = Gate {
            function: Text::same(name),
            input: state.x,
            output: numbers.value,
            local: numbers.derivative,
            upstream: state.upstream,
        };
        let behind = numbers.remaining.iter().enumerate().filter(|(_, share)| **share > 0.0);
        let chain = Plot::new(
            Text::new("gates in a row", "串联的门数"),
            Text::new("share of the gradient that remains", "剩余梯度的比例"),
        )
        .scales(Scale::Linear, Scale::Logarithmic)
        .with(Series::new(
            name,
            behind.map(|(gates, share)| (gates as f64, *share)).collect(),
            Marks::LineAndPoints,
        ));
        let page = Page::new()
            .plot(
                Text::new("The curve and its derivative. Drag sideways to move x.", "曲线与导数。左右拖动以移动 x。"),
                curve,
            )
            .figure(
                Text::new(
                    "The gate: values pass forward, the gradient that arrives is multiplied by the local gradient on its way back.",
                    "门：数值向前通过，传来的梯度在返回途中乘以局部梯度。",
                ),
                gate,
            )
            .plot(
                Text::new(
                    "The product of the local gradients through gates that all have this input.",
                    "输入都相同时，逐个门相乘的局部梯度。",
                ),
                chain,
            );
        View { status, page }
    }

    fn controls() -> Vec<Control> {
        vec![
            Control::Choice { knob: "activation", label: Text::new("Activation", "激活函数"), words: Vec::new() },
            Control::Slider { knob: "x", label: Text::same("x"), scale: Scale::Linear },
            Control::Slider {
                knob: "upstream",
                label: Text::new("Gradient that arrives", "传来的梯度"),
                scale: Scale::Linear,
            },
            Control::Slider { knob: "gates", label: Text::new("Gates", "门的个数"), scale: Scale::Linear },
            Control::Drag { figure: 1, x: Some("x"), y: None },
        ]
    }
}

/// Curves go from -REACH to REACH, through this number of points.
const REACH: f64 = 10.0;
const POINTS: usize = 201;

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Activation function of every gate.
    #[schemars(extend("zh" = "每个门的激活函数。"))]
    activation: ActivationName,
    /// Input of every gate.
    #[schemars(extend("zh" = "每个门的输入。"))]
    #[schemars(range(min = -10.0, max = 10.0))]
    x: f64,
    /// Gradient of the loss with respect to the output of the gate.
    #[schemars(extend("zh" = "损失对门的输出的梯度。"))]
    #[schemars(range(min = -2.0, max = 2.0))]
    upstream: f64,
    /// Gates in a row.
    #[schemars(extend("zh" = "串联的门数。"))]
    #[schemars(range(min = 1, max = 40))]
    gates: usize,
}

impl Default for State {
    fn default() -> Self {
        State { activation: ActivationName(Activation::Sigmoid), x: 3.0, upstream: 1.0, gates: 12 }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Numbers {
    value: f64,
    derivative: f64,
    /// Gradient with respect to the input of the gate.
    passed: f64,
    /// Share of the gradient after 0, 1, 2, … gates.
    remaining: Vec<f64>,
    /// Input, value and derivative at each point.
    curve: Vec<[f64; 3]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(activation: Activation, x: f64, gates: usize) -> Numbers {
        let state = State { activation: ActivationName(activation), x, gates, ..State::default() };
        GateExhibit::compute(&state, 0, &mut ()).unwrap()
    }

    #[test]
    fn local_gradients_of_the_lecture() {
        for (x, slope) in [(-10.0, 4.54e-5), (0.0, 0.25), (10.0, 4.54e-5)] {
            let numbers = at(Activation::Sigmoid, x, 6);
            assert!((numbers.derivative / slope - 1.0).abs() < 1e-3, "{x}: {}", numbers.derivative);
            assert_eq!(numbers.remaining.len(), 7);
        }
        assert_eq!(at(Activation::Relu, -1.0, 3).remaining, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(at(Activation::Relu, 1.0, 3).remaining, [1.0; 4]);
    }
}
