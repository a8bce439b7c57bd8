//! Figures and texts of the exhibit.

use keel_page::Language::{Chinese, English};
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Scale, Series, Sheet, SheetCell, SheetRow, number, points};
use keel_page::page::Page;

use super::{Numbers, State};
use crate::exhibit::View;
use crate::experiments::weight_initialisation::initialisation::layers::Layer;
use crate::experiments::weight_initialisation::initialisation::page::{by_layer, numbers as table, short, signed};
use crate::signal::GradientTheory;

/// Maximum number of histograms.
const PANELS: usize = 6;
/// Colours: the signal, dL/dh, dL/dW and the numbers of a slide.
const SIGNAL: usize = 0;
const GRADIENT: usize = 1;
const WEIGHTS: usize = 3;
const SLIDE: usize = 4;

pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let page = Page::new()
        .plot(
            Text::new(
                "Drag sideways to turn the gain. Lines: theory of the last layer's outputs and of the gradient at the first layer, for \
                 this stack with any gain. Points: measured at yours.",
                "左右拖动以调节增益。曲线：同样的网络在各增益下，末层输出与首层梯度的理论值。点：当前增益下的实测。",
            ),
            by_gain(state, numbers),
        )
        .sheet(
            Text::new(
                "Outputs of the layers, one axis for all, each scaled to its tallest bar, with the verdict on the signal",
                "各层输出的分布（横轴相同，纵向各自按最高的柱缩放），附对信号的判断",
            ),
            Sheet::new(vec![row(state, numbers)]),
        )
        .plot(
            Text::new(
                "Forward: standard deviation of the outputs by layer; dashed, theory of infinitely wide layers",
                "前向：各层输出的标准差；虚线为无限宽层的理论值",
            ),
            forward(numbers),
        )
        .plot(
            Text::new(
                "Backward: root mean square of dL/dh and of dL/dW by layer, when the gradient with respect to the last output is standard \
                 normal; dashed, theory. Read it from right to left.",
                "反向：末层输出的梯度取标准正态时，各层 dL/dh 与 dL/dW 的均方根；虚线为理论值。从右往左读。",
            ),
            backward(numbers),
        )
        .table(table(&numbers.layers));
    View { status: status(state, numbers), page }
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let [first, .., last] = &numbers.layers[..] else { return Text::same("") };
    let name = state.activation.0.name();
    let (width, depth, scaled) = (state.width, state.depth, number(numbers.scaled_variance));
    let (from, to) = (short(first.activation.std), short(last.activation.std));
    let theory =
        |layer: &Layer, word: &str| layer.theory.map_or(String::new(), |theory| format!("{word}{}", short(theory.std)));
    let (signal, gradient) = (last.verdict.title(), first.gradient.verdict.title());
    let arrives = number(first.gradient.activation_rms);
    let share = |share: f64| format!("{:.0} %", 100.0 * share);
    let [zero, flat] = [last.activation.zero_fraction, last.activation.saturated_fraction].map(share);
    Text::new(
        format!(
            "{name} with n·Var(w) = {scaled}, {depth} layers of {width}: the deviation of the outputs goes from {from} to {to}{}, {}; \
             a gradient of 1 at the last layer arrives at the first as {arrives}, {}; in the last layer {zero} of the outputs are 0 and \
             {flat} saturated.",
            theory(last, ", in theory "),
            signal.get(English),
            gradient.get(English),
        ),
        format!(
            "{name}，n·Var(w) = {scaled}，{depth} 层、每层 {width} 个单元：输出的标准差从 {from} 变为 {to}{}，{}；末层大小为 1 的梯度传到首层为 {arrives}，{}；\
             末层输出有 {zero} 为零，{flat} 饱和。",
            theory(last, "，理论值 "),
            signal.get(Chinese),
            gradient.get(Chinese),
        ),
    )
}

fn by_gain(state: &State, numbers: &Numbers) -> Plot {
    let curve = |y: fn(&super::Turned) -> f64| points(&numbers.by_gain, |one| one.gain, y);
    let here = |value: Option<f64>| -> Vec<Point> { value.map(|value| (state.gain, value)).into_iter().collect() };
    let (first, last) = (numbers.layers.first(), numbers.layers.last());
    Plot::new(Text::new("gain", "增益"), Text::new("what arrives at the far end", "传到另一端的大小"))
        .scales(Scale::Logarithmic, Scale::Logarithmic)
        .x_range(1.0 / super::LARGEST_GAIN, super::LARGEST_GAIN)
        .with(
            Series::new(Text::new("last outputs, theory", "末层输出，理论"), curve(|one| one.std), Marks::Dashed)
                .coloured(SIGNAL),
        )
        .with(
            Series::new(
                Text::new("dL/dh at the first layer, theory", "首层 dL/dh，理论"),
                curve(|one| one.gradient),
                Marks::Dashed,
            )
            .coloured(GRADIENT),
        )
        .with(
            Series::new(
                Text::new("last outputs", "末层输出"),
                here(last.map(|layer| layer.activation.std)),
                Marks::Handle,
            )
            .coloured(SIGNAL),
        )
        .with(
            Series::new(
                Text::new("dL/dh at the first layer", "首层 dL/dh"),
                here(first.map(|layer| layer.gradient.activation_rms)),
                Marks::Handle,
            )
            .coloured(GRADIENT),
        )
}

/// Returns the displayed layers: all, or [`PANELS`] of them from the first to the last.
fn shown(layers: &[Layer]) -> Vec<&Layer> {
    let count = layers.len().min(PANELS);
    let last = layers.len().saturating_sub(1);
    (0..count).map(|panel| &layers[(2 * panel * last + count - 1) / (2 * (count - 1)).max(1)]).collect()
}

fn row(state: &State, numbers: &Numbers) -> SheetRow {
    let edges = numbers.layers.first().map(|layer| &layer.activation.histogram.edges[..]).unwrap_or_default();
    let end = |edge: Option<&f64>| number(edge.copied().unwrap_or(0.0));
    let (low, high) = (end(edges.first()), end(edges.last()));
    let scaled = number(numbers.scaled_variance);
    let note = |axis: &str| format!("n·Var(w) = {scaled} · {axis} {low} … {high}");
    SheetRow {
        name: Text::same(state.activation.0.name()),
        note: Text::new(note("axis"), note("横轴")),
        colour: SIGNAL,
        cells: shown(&numbers.layers).into_iter().map(|layer| panel(layer, numbers.slide_std)).collect(),
    }
}

fn panel(layer: &Layer, slide: Option<[f64; 6]>) -> SheetCell {
    let (outputs, index, verdict) = (&layer.activation, layer.layer, layer.verdict.title());
    let (mean, std) = (signed(outputs.mean), short(outputs.std));
    let share = |share: f64| format!("{:.0} %", 100.0 * share);
    let (zero, flat) = (share(outputs.zero_fraction), share(outputs.saturated_fraction));
    let mut lines = vec![(Text::new("std", "标准差"), std.clone())];
    let printed = slide.and_then(|slide| slide.get(index - 1).copied());
    lines.extend(printed.map(|printed| (Text::new("slide", "课件"), format!("{printed:.2}"))));
    lines.extend(layer.theory.map(|theory| (Text::new("theory", "理论"), short(theory.std))));
    lines.push((Text::new("mean", "均值"), mean.clone()));
    lines.push((Text::new("zero", "为零"), zero.clone()));
    lines.push((Text::new("saturated", "饱和"), flat.clone()));
    SheetCell {
        title: Text::new(
            format!("Layer {index}: {}", verdict.get(English)),
            format!("第 {index} 层：{}", verdict.get(Chinese)),
        ),
        description: Text::new(
            format!(
                "Histogram of the outputs of layer {index}: mean {mean}, standard deviation {std}, {zero} are 0, {flat} in a flat zone"
            ),
            format!("第 {index} 层输出的直方图：均值 {mean}，标准差 {std}，{zero} 为零，{flat} 在平坦区"),
        ),
        histogram: outputs.histogram.clone(),
        lines,
    }
}

/// Creates a chart of magnitudes by layer that spans at least two decades, so that a preserved magnitude looks constant.
fn by_layer_plot(title: Text, curves: &[&[Point]]) -> Plot {
    let plot = Plot::new(Text::new("layer", "层"), title).scales(Scale::Linear, Scale::Logarithmic);
    let sizes = || curves.iter().flat_map(|curve| curve.iter()).map(|point| point.1).filter(|size| *size > 0.0);
    let (low, high) = sizes().fold((f64::MAX, 0.0), |(low, high), size| (f64::min(low, size), f64::max(high, size)));
    if high == 0.0 {
        return plot;
    }
    let room = (10.0 / (high / low).sqrt()).max(1.3);
    plot.y_range(low / room, high * room)
}

fn forward(numbers: &Numbers) -> Plot {
    let measured = by_layer(&numbers.layers, |layer| Some(layer.activation.std));
    let theory = by_layer(&numbers.layers, |layer| layer.theory.map(|theory| theory.std));
    let plot = by_layer_plot(Text::new("standard deviation", "标准差"), &[&measured, &theory])
        .with(Series::new(Text::new("measured", "实测"), measured, Marks::LineAndPoints).coloured(SIGNAL))
        .with(Series::new(Text::new("theory", "理论"), theory, Marks::Dashed).coloured(SIGNAL));
    match numbers.slide_std {
        Some(printed) => {
            let printed = printed.iter().enumerate().take(numbers.layers.len());
            let printed = printed.map(|(index, &std)| ((index + 1) as f64, std)).collect();
            plot.with(Series::new(Text::new("slide", "课件"), printed, Marks::Points).coloured(SLIDE))
        }
        None => plot,
    }
}

fn backward(numbers: &Numbers) -> Plot {
    let theory = |size: fn(&GradientTheory) -> f64| -> Vec<Point> {
        let gradients = numbers.gradient_theory.iter().flatten().enumerate();
        gradients.map(|(index, one)| ((index + 1) as f64, size(one))).collect()
    };
    let of_outputs = by_layer(&numbers.layers, |layer| Some(layer.gradient.activation_rms));
    let of_weights = by_layer(&numbers.layers, |layer| Some(layer.gradient.weight_rms));
    by_layer_plot(Text::new("root mean square", "均方根"), &[&of_outputs, &of_weights])
        .with(Series::new("dL/dh", of_outputs, Marks::LineAndPoints).coloured(GRADIENT))
        .with(
            Series::new(Text::new("dL/dh, theory", "dL/dh，理论"), theory(|one| one.activation_rms), Marks::Dashed)
                .coloured(GRADIENT),
        )
        .with(Series::new("dL/dW", of_weights, Marks::LineAndPoints).coloured(WEIGHTS))
        .with(
            Series::new(Text::new("dL/dW, theory", "dL/dW，理论"), theory(|one| one.weight_rms), Marks::Dashed)
                .coloured(WEIGHTS),
        )
}

#[cfg(test)]
mod tests {
    use super::super::tests::compute;
    use super::*;

    #[test]
    fn six_layers_from_the_first_to_the_last_are_shown() {
        for (depth, expected) in
            [(2, vec![1, 2]), (6, (1..=6).collect()), (30, vec![1, 7, 13, 18, 24, 30]), (7, vec![1, 2, 3, 5, 6, 7])]
        {
            let numbers = compute(&State { depth, width: 16, ..State::default() }, 0);
            let layers: Vec<usize> = shown(&numbers.layers).iter().map(|layer| layer.layer).collect();
            assert_eq!(layers, expected);
        }
    }
}
