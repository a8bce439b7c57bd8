//! The page of the batch norm experiment.

use super::{Distribution, Document, Layer, Pair, Signal};
use crate::charts::{Histograms, Marks, Plot, Point, Scale, Series, exact, number, points};
use crate::language::Text;
use crate::page::Page;

/// The page for one document.
pub(super) fn page(document: &Document) -> Page {
    let distributions = &document.distributions;
    let mut page = Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "First, the outputs of six tanh layers before training, from weights half as large as Xavier's: without batch norm the \
             signal shrinks layer by layer, with batch norm every layer starts afresh.",
            "首先是训练前六个 tanh 层的输出，权重只有 Xavier 的一半：没有批归一化时信号逐层缩小，有批归一化时每层都重新开始。",
        )
        .histograms(Text::new("Without batch norm", "没有批归一化"), histograms(&distributions.without))
        .histograms(Text::new("With batch norm before every tanh", "每个 tanh 之前有批归一化"), histograms(&distributions.with))
        .paragraph(
            "Then the same in numbers, from weights between a thousand times too small and far too large. Solid lines: with \
             batch norm between linear map and activation. Dashed: without.",
            "再看数值，初始权重从过小到过大。实线：线性层与激活之间有批归一化；虚线：没有。",
        );
    for activation in ["tanh", "relu"] {
        let caption = Text::new(
            format!("{activation}: standard deviation of the outputs by layer, for weights of different size"),
            format!("{activation}：不同权重大小下各层输出的标准差"),
        );
        page = page.plot(caption, signal(&document.signal, activation));
    }
    page.plot(
        Text::new("A deep relu network after a short training, by the size of its initial weights", "深层 ReLU 网络短时训练后的结果，随初始权重大小变化"),
        accuracy(Text::new("standard deviation of the initial weights", "初始权重的标准差"), |side| {
            points(&document.scales, |run| run.scale, |run| side(&run.pair))
        }),
    )
    .plot(
        Text::new("The same from Kaiming's weights, by learning rate", "同一网络用 Kaiming 初始化，随学习率变化"),
        accuracy(Text::new("learning rate", "学习率"), |side| {
            points(&document.learning_rates, |run| run.learning_rate, |run| side(&run.pair))
        }),
    )
    .heading("Why", "为什么")
    .paragraph("For each unit or channel, with mean and variance over the batch (and, for images, over all positions),", "对每个单元或通道，用批内（图像还包括所有位置）的均值与方差：")
    .formula(
        "<mi>y</mi><mo>=</mo><mi>γ</mi><mfrac><mrow><mi>x</mi><mo>\u{2212}</mo><mi>μ</mi></mrow><msqrt><msup><mi>σ</mi><mn>2</mn></msup>\
         <mo>+</mo><mi>ε</mi></msqrt></mfrac><mo>+</mo><mi>β</mi>",
    )
    .paragraph(
        "Multiply all weights by a and x, μ and σ are multiplied by a too: the output stays the same, and the gradient by the \
         weights becomes 1/a of what it was, so that weights that are too large take smaller steps. The result has mean 0 and \
         variance 1, but its shape is unchanged, not normal; γ and β can take the normalisation back where that is better \
         (γ = σ, β = μ is the identity).",
        "把所有权重乘以 a，x、μ、σ 也都乘以 a：输出不变，而权重梯度变为原来的 1/a，因此过大的权重更新步长更小。结果的均值为 0、方差为 1，\
         但分布的形状不变，并不是正态分布；必要时 γ 与 β 可以撤销归一化（γ = σ、β = μ 即恒等）。",
    )
    .heading("What to take away", "要点")
    .paragraph(
        "Put it after the linear or convolutional layer and before the activation, and leave that layer's bias out: the subtracted \
         mean takes it away again. It does not remove the zeros of relu: half of the outputs stay 0, as they should. It behaves \
         differently in training and inference (see <i>batch_norm_inference</i>), a common source of mistakes.",
        "放在线性层或卷积层之后、激活之前，并去掉该层的偏置：减均值会把它抵消。它不会消除 ReLU 的零：仍有一半输出为 0，这很正常。\
         它在训练与推理时行为不同（见 <i>batch_norm_inference</i>），这是常见的错误来源。",
    )
}

fn histograms(layers: &[Distribution]) -> Histograms {
    layers.iter().fold(Histograms::new(), |panels, Distribution { layer, std, histogram, .. }| {
        let std = number(*std);
        let title = Text::new(format!("Layer {layer}: std {std}"), format!("第 {layer} 层：标准差 {std}"));
        panels.with(title, histogram.clone())
    })
}

fn signal(signals: &[Signal], activation: &str) -> Plot {
    let plot = Plot::new(Text::new("layer", "层"), Text::new("standard deviation", "标准差"));
    let plot = plot.scales(Scale::Linear, Scale::Logarithmic);
    let signals = signals.iter().filter(|signal| signal.activation == activation);
    signals.enumerate().fold(plot, |plot, (colour, Signal { scale, layers, .. })| {
        let curve = |std: fn(&Layer) -> f64| points(layers, |layer| layer.layer as f64, std);
        let scale = exact(*scale);
        let name = Text::new(format!("{scale}, with"), format!("{scale}，有"));
        let other = Text::new(format!("{scale}, without"), format!("{scale}，无"));
        plot.with(Series::new(name, curve(|layer| layer.with.std), Marks::LineAndPoints).coloured(colour))
            .with(Series::new(other, curve(|layer| layer.without.std), Marks::Dashed).coloured(colour))
    })
}

/// The accuracies of one side of all pairs, over what the pairs differ in.
fn accuracy(x_title: Text, curve: impl Fn(fn(&Pair) -> f64) -> Vec<Point>) -> Plot {
    let with = curve(|pair| pair.with.train_accuracy);
    let without = curve(|pair| pair.without.train_accuracy);
    Plot::new(x_title, Text::new("training accuracy", "训练正确率"))
        .scales(Scale::Logarithmic, Scale::Linear)
        .y_range(0.0, 1.05)
        .with(Series::new(Text::new("with batch norm", "有批归一化"), with, Marks::LineAndPoints))
        .with(Series::new(Text::new("without", "无"), without, Marks::LineAndPoints))
}
