//! The page of the initialisation experiment.

use super::{Document, Layer, Verdict};
use crate::charts::{Histograms, Marks, Plot, Point, Scale, Series, number, points};
use crate::language::Text;
use crate::page::{Page, Table, cell};

/// The page for one document.
pub(super) fn page(document: &Document) -> Page {
    let scaled = document.init.std.map(|std| document.width as f64 * std * std);
    let page = what_you_see(Page::new(), &document.layers);
    let page = page.table(numbers(&document.layers));
    let page = why(page, scaled);
    take_away(page)
}

fn what_you_see(page: Page, layers: &[Layer]) -> Page {
    page.heading("What you see", "你看到了什么")
        .paragraph(
            "A standard normal input goes through equal layers without biases. Each panel is one layer: how its outputs are \
             distributed before any training. All panels share the same horizontal axis; each is scaled to its own tallest bar.",
            "标准正态输入依次通过若干相同的无偏置层。每个小图是一层：训练开始前该层输出的分布。所有小图横轴相同，纵向各自按最高的柱缩放。",
        )
        .histograms(
            Text::new("Outputs of the layers, with mean and standard deviation", "各层输出的分布，附均值与标准差"),
            histograms(layers),
        )
        .plot(
            Text::new(
                "Standard deviation of the outputs by layer, with what the theory of infinitely wide layers predicts",
                "各层输出的标准差，以及无限宽层理论的预测",
            ),
            signal_plot(layers),
        )
        .plot(
            Text::new(
                "The way back: root mean square of the gradient by the outputs (dL/dh) and by the weights (dL/dW), when the gradient by the last output is standard normal",
                "反向：最后一层输出的梯度取标准正态时，各层输出梯度 (dL/dh) 与权重梯度 (dL/dW) 的均方根",
            ),
            gradient_plot(layers),
        )
}

fn why(page: Page, scaled: Option<f64>) -> Page {
    let page = page
        .heading("Why", "为什么")
        .paragraph(
            "A pre-activation is a sum of n products of independent numbers, so its variance is",
            "预激活值是 n 个独立乘积之和，其方差为",
        )
        .formula(
            "<mi>Var</mi><mo>(</mo><msub><mi>z</mi><mi>l</mi></msub><mo>)</mo><mo>=</mo><mi>n</mi><mspace width=\"0.2em\"/>\
             <mi>Var</mi><mo>(</mo><mi>w</mi><mo>)</mo><mspace width=\"0.2em\"/><mi>E</mi><mo>[</mo><msubsup><mi>h</mi>\
             <mrow><mi>l</mi><mo>\u{2212}</mo><mn>1</mn></mrow><mn>2</mn></msubsup><mo>]</mo>",
        )
        .paragraph(
            "Everything is decided by n·Var(w). Below 1 a tanh network shrinks its signal layer after layer, above it the \
             outputs pile up at ±1. Xavier chooses n·Var(w) = 1; the signal still decays slowly, like 1/√l, because tanh is \
             flatter than a straight line. Relu sets half of the second moment to zero, E[h²] = ½·Var(z), so it needs \
             n·Var(w) = 2: Kaiming.",
            "一切取决于 n·Var(w)。小于 1 时，tanh 网络的信号逐层缩小；大于 1 时，输出堆到 ±1。Xavier 取 n·Var(w) = 1；信号仍会像 1/√l \
             那样缓慢衰减，因为 tanh 比直线平缓。ReLU 把一半的二阶矩变为零，E[h²] = ½·Var(z)，所以需要 n·Var(w) = 2，这就是 Kaiming。",
        );
    match scaled {
        Some(scaled) => page.paragraph(
            format!("In this run n·Var(w) = <b>{}</b>.", number(scaled)),
            format!("本次运行中 n·Var(w) = <b>{}</b>。", number(scaled)),
        ),
        None => page,
    }
}

fn take_away(page: Page) -> Page {
    page.heading("What to take away", "要点")
        .paragraph(
            "Xavier for tanh, Kaiming for relu. Two things are easily said too strongly. Weights that are too small do not make \
             the weight gradients of deep layers vanish one by one: the forward shrinking and the backward shrinking \
             multiply to the same small number in every layer, and depth makes it fatal. Weights that are too large leave tanh \
             a small local derivative, not none, and the whole gradient grows on its way back instead of dying.",
            "tanh 用 Xavier，ReLU 用 Kaiming。有两点常被说过头：权重过小时，并不是越深的层权重梯度越小——前向的缩小与反向的缩小\
             相乘，在每一层都是同一个小数，网络越深越致命；权重过大时，tanh 的局部导数很小但不为零，总梯度在反向传播中反而增大。",
        )
        .paragraph(
            "The zeros of relu are half of all outputs with any of these initialisers. They are sparsity, not a defect.",
            "无论用哪种初始化，ReLU 的输出都有一半是零。这是稀疏性，不是缺陷。",
        )
}

fn histograms(layers: &[Layer]) -> Histograms {
    layers.iter().take(24).fold(Histograms::new(), |panels, layer| {
        let outputs = &layer.activation;
        let mean = format!("{:.2}", outputs.mean).replace("-0.00", "0.00").replace('-', "\u{2212}");
        let (index, std) = (layer.layer, short(outputs.std));
        let title = Text::new(
            format!("Layer {index}: mean {mean} std {std}"),
            format!("第 {index} 层：均值 {mean} 标准差 {std}"),
        );
        panels.with(title, outputs.histogram.clone())
    })
}

/// Three decimals, so that titles of panels stay short; a number that would vanish keeps its power of ten.
fn short(value: f64) -> String {
    let text = format!("{value:.3}").replace('-', "\u{2212}");
    if value.abs() >= 1000.0 || (value != 0.0 && value.abs() < 1e-3) { number(value) } else { text }
}

/// One number of each layer.
fn by_layer(layers: &[Layer], number: impl Fn(&Layer) -> Option<f64>) -> Vec<Point> {
    points(layers, |layer| layer.layer as f64, number)
}

fn signal_plot(layers: &[Layer]) -> Plot {
    let plot = Plot::new(Text::new("layer", "层"), Text::new("standard deviation", "标准差"));
    let measured = by_layer(layers, |layer| Some(layer.activation.std));
    let measured = Series::new(Text::new("measured", "实测"), measured, Marks::LineAndPoints);
    let plot = plot.scales(Scale::Linear, Scale::Logarithmic).with(measured);
    let theory = by_layer(layers, |layer| layer.theory.map(|theory| theory.std));
    if theory.is_empty() { plot } else { plot.with(Series::new(Text::new("theory", "理论"), theory, Marks::Dashed)) }
}

fn gradient_plot(layers: &[Layer]) -> Plot {
    let series = |name: &str, number: fn(&Layer) -> Option<f64>| {
        Series::new(name, by_layer(layers, number), Marks::LineAndPoints)
    };
    Plot::new(Text::new("layer", "层"), Text::new("root mean square", "均方根"))
        .scales(Scale::Linear, Scale::Logarithmic)
        .with(series("dL/dh", |layer| Some(layer.gradient.activation_rms)))
        .with(series("dL/dW", |layer| Some(layer.gradient.weight_rms)))
}

fn numbers(layers: &[Layer]) -> Table {
    let columns = [
        ("Layer", "层"),
        ("Mean", "均值"),
        ("Std", "标准差"),
        ("Theory", "理论"),
        ("Zero", "为零"),
        ("|h| &lt; 0.05", "|h| &lt; 0.05"),
        ("Saturated", "饱和"),
        ("Mean f′", "平均 f′"),
        ("dL/dh", "dL/dh"),
        ("dL/dW", "dL/dW"),
        ("Verdict", "判断"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let mut table = Table::new(
        Text::new(
            "Every layer. Theory: standard deviation at infinite width. Verdict: too small below a tenth of the first layer, saturated above a quarter",
            "逐层数值。理论：宽度无限时的标准差。判断：不到第 1 层的十分之一为过小，饱和比例超过四分之一为饱和",
        ),
        columns,
    );
    for Layer { layer, activation, gradient, verdict, theory, .. } in layers {
        table.text_row(vec![
            Text::same(layer.to_string()),
            cell(activation.mean),
            cell(activation.std),
            cell(theory.map(|theory| theory.std)),
            cell(activation.zero_fraction),
            cell(activation.near_zero_fraction),
            cell(activation.saturated_fraction),
            cell(activation.mean_derivative),
            cell(gradient.activation_rms),
            cell(gradient.weight_rms),
            match verdict {
                Verdict::TooSmall => Text::new("too small", "过小"),
                Verdict::Saturated => Text::new("saturated", "饱和"),
                Verdict::TooLarge => Text::new("too large", "过大"),
                Verdict::InRange => Text::new("in range", "正常"),
            },
        ]);
    }
    table
}
