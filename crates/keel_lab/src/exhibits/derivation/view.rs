//! Figures and texts of the derivation.

use keel_nn::activations::Activation;
use keel_page::Language::{Chinese, English};
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Scale, Series, number, points};
use keel_page::page::{Page, Table, mathml};

use super::line::{LINES, Line, ratios};
use super::{DECISIVE, LARGEST, Layer, Numbers, Rule, SMALLEST, STEPS, State, predicted_log10_ratio};
use crate::exhibit::View;
use crate::experiments::weight_initialisation::kaiming_gain::if_variance;
use crate::experiments::weight_initialisation::kaiming_gain::page::half;
use crate::signal::infinite_width;

/// Colour of the stack; the colours of the three theories follow.
const OWN: usize = 0;
/// Step of the integral, and of the backward pass.
const INTEGRAL: usize = 4;
const BACKWARD: usize = 8;
/// Number of points in the curve of predictions.
const PLACES: i32 = 60;

pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let step = state.step.clamp(1, STEPS);
    let page = LINES[..step - 1].iter().fold(Page::new(), |page, line| page.formula(mathml(line.formula)));
    let Line { title, formula, words } = &LINES[step - 1];
    let words = words(state, numbers);
    let page = page
        .heading(&format!("Step {step} of {STEPS}: {}", title[0]), &format!("第 {step} 步（共 {STEPS} 步）：{}", title[1]))
        .formula(mathml(formula))
        .paragraph(words.get(English), words.get(Chinese))
        .plot(
            Text::new(
                "Standard deviation of the outputs of a real stack of relu layers with your g; dashed, the prediction. Pale: predictions \
                 for the three choices.",
                "真实的多层 ReLU 网络在所选 g 下各层输出的标准差；虚线为预测，浅线为三种选择各自的预测。",
            ),
            stack(state, numbers),
        )
        .plot(
            Text::new(
                "Change of the signal from the first layer to the last, as a power of ten. Drag sideways to move g. The signal is kept where \
                 the line crosses 0.",
                "从首层到末层信号的变化，以 10 的幂表示。左右拖动以改变 g。线过 0 处，信号得以保持。",
            ),
            by_factor(state, numbers),
        );
    let page = match step {
        DECISIVE => page.table(choices(state, numbers)),
        INTEGRAL => page.plot(
            Text::new(
                "y²p(y) for a normal y of variance 1. The area under the whole curve is Var(y) = 1; relu keeps the right half.",
                "方差为 1 的正态 y 的 y²p(y)。整条曲线下的面积是 Var(y) = 1；ReLU 保留右半边。",
            ),
            half(),
        ),
        BACKWARD => page.plot(
            Text::new(
                "The gradient dL/dh by layer, when that with respect to the last output is standard normal; dashed, the prediction. Read it from \
                 right to left.",
                "末层输出的梯度取标准正态时，各层的 dL/dh；虚线为预测。从右往左读。",
            ),
            gradients(numbers),
        ),
        _ => page,
    };
    View { status: status(state, numbers), page }
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let (g, depth) = (number(state.factor), state.depth);
    let ends = |size: fn(&Layer) -> f64| {
        let end = |layer: Option<&Layer>| layer.map_or(f64::NAN, size);
        (number(end(numbers.layers.first())), number(end(numbers.layers.last())))
    };
    let (first, last) = ends(|layer| layer.std);
    let (predicted, measured) = ratios(numbers);
    let rule = numbers.rule.map(Rule::title);
    let by = |language| rule.as_ref().map(|rule| rule.get(language)).map_or(String::new(), |rule| format!(" ({rule})"));
    let fate = match numbers.log10_ratio {
        Some(ratio) if ratio < -1.0 => Text::new("the signal vanishes", "信号消失"),
        Some(ratio) if ratio > 1.0 => Text::new("the signal explodes", "信号爆炸"),
        Some(ratio) if ratio.abs() < 0.3 => Text::new("the signal is kept", "信号得以保持"),
        Some(ratio) if ratio < 0.0 => Text::new("the signal shrinks", "信号缩小"),
        Some(_) => Text::new("the signal grows", "信号增大"),
        None => Text::new("a layer outputs only zeros", "有一层的输出全为零"),
    };
    Text::new(
        format!(
            "g = {g}{}: over {depth} layers the deviation goes from {first} to {last}, a change of {measured} powers of ten, predicted \
             {predicted}; {}.",
            by(English),
            fate.get(English)
        ),
        format!(
            "g = {g}{}：经过 {depth} 层，标准差从 {first} 变为 {last}，变化 {measured} 个数量级，预测 {predicted}；{}。",
            by(Chinese),
            fate.get(Chinese)
        ),
    )
}

/// Returns the name of a theory's curve.
fn name(rule: Rule) -> Text {
    let g = number(rule.factor());
    Text::new(format!("g = {g}, predicted"), format!("g = {g}，预测"))
}

fn stack(state: &State, numbers: &Numbers) -> Plot {
    let curve = |y: fn(&Layer) -> f64| points(&numbers.layers, |layer| layer.layer as f64, y);
    let plot = Plot::new(Text::new("layer", "层"), Text::new("standard deviation of the outputs", "输出的标准差"))
        .scales(Scale::Linear, Scale::Logarithmic);
    let plot = Rule::ALL.into_iter().enumerate().fold(plot, |plot, (index, rule)| {
        let first = if state.first_layer { rule.factor().sqrt().recip() } else { 1.0 };
        let theory = infinite_width(Activation::Relu, rule.factor(), state.depth);
        let theory = theory.iter().enumerate().map(|(layer, one)| ((layer + 1) as f64, first * one.std)).collect();
        plot.with(Series::new(name(rule), theory, Marks::Faint).coloured(index + 2))
    });
    plot.with(Series::new(Text::new("measured", "实测"), curve(|layer| layer.std), Marks::LineAndPoints).coloured(OWN))
        .with(
            Series::new(Text::new("predicted", "预测"), curve(|layer| layer.predicted_std), Marks::Dashed)
                .coloured(OWN),
        )
}

fn by_factor(state: &State, numbers: &Numbers) -> Plot {
    let place = |place: i32| SMALLEST * (LARGEST / SMALLEST).powf(f64::from(place) / f64::from(PLACES));
    let predicted = |factor: f64| (factor, predicted_log10_ratio(factor, state.depth));
    let curve: Vec<Point> = (0..=PLACES).map(place).map(predicted).collect();
    let own = numbers.log10_ratio.map(|ratio| (state.factor, ratio)).into_iter().collect();
    let plot = Plot::new("g", Text::new("log10 of last layer / first layer", "log10（末层 / 首层）"))
        .scales(Scale::Logarithmic, Scale::Linear)
        .x_range(SMALLEST, LARGEST)
        .with(Series::new(Text::new("predicted", "预测"), curve, Marks::Dashed).coloured(OWN));
    let plot = Rule::ALL.into_iter().enumerate().fold(plot, |plot, (index, rule)| {
        plot.with(Series::new(name(rule), vec![predicted(rule.factor())], Marks::Points).coloured(index + 2))
    });
    plot.with(Series::new(Text::new("measured", "实测"), own, Marks::Points).coloured(OWN))
}

fn gradients(numbers: &Numbers) -> Plot {
    let curve = |y: fn(&Layer) -> f64| points(&numbers.layers, |layer| layer.layer as f64, y);
    Plot::new(Text::new("layer", "层"), Text::new("root mean square of dL/dh", "dL/dh 的均方根"))
        .scales(Scale::Linear, Scale::Logarithmic)
        .with(
            Series::new(Text::new("measured", "实测"), curve(|layer| layer.gradient), Marks::LineAndPoints)
                .coloured(OWN),
        )
        .with(
            Series::new(Text::new("predicted", "预测"), curve(|layer| layer.predicted_gradient), Marks::Dashed)
                .coloured(OWN),
        )
}

/// Returns a table of the three choices with the numbers that decide between them.
fn choices(state: &State, numbers: &Numbers) -> Table {
    let columns = vec![
        Text::new("Stands for E[x²]", "代表 E[x²] 的量"),
        Text::new("Its share of Var(y), theory", "占 Var(y) 的比例，理论"),
        Text::new("measured", "实测"),
        Text::new("so g is", "于是 g 为"),
        Text::new("log10 of last / first", "log10（末层 / 首层）"),
    ];
    let depth = state.depth;
    let caption = Text::new(
        format!("The three choices, and where each leads over {depth} layers by the product of step 5"),
        format!("三种选择，以及按第 5 步的连乘经过 {depth} 层之后的结果"),
    );
    let mut table = Table::new(caption, columns);
    for rule in Rule::ALL {
        let (share, measured) = match rule {
            Rule::SecondMoment => (0.5, numbers.measured.second_moment_over_variance),
            Rule::Variance => (1.0 / if_variance(), numbers.measured.variance_over_variance),
            Rule::Unrectified => (1.0, 1.0),
        };
        table.row(rule.title(), &[share, measured, rule.factor(), predicted_log10_ratio(rule.factor(), depth)]);
    }
    table
}
