//! The page of the batch norm experiment.

use serde_json::Value;

use crate::charts::{Histograms, Marks, Plot, Scale, Series, number, points};
use crate::language::Text;
use crate::page::Page;
use crate::statistics::Histogram;

/// The page for one document.
pub(super) fn page(document: &Value) -> Page {
    let distributions = &document["distributions"];
    let mut page = Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "First, the outputs of six tanh layers before training, from weights half as large as Xavier's: without batch norm the \
             signal shrinks layer by layer, with batch norm every layer starts afresh.",
            "首先是训练前六个 tanh 层的输出，权重只有 Xavier 的一半：没有批归一化时信号逐层缩小，有批归一化时每层都重新开始。",
        )
        .histograms(Text::new("Without batch norm", "没有批归一化"), histograms(&distributions["without"]))
        .histograms(Text::new("With batch norm before every tanh", "每个 tanh 之前有批归一化"), histograms(&distributions["with"]))
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
        page = page.plot(caption, signal(document, activation));
    }
    page.plot(
        Text::new("A deep relu network after a short training, by the size of its initial weights", "深层 ReLU 网络短时训练后的结果，随初始权重大小变化"),
        accuracy(&document["scales"], "/scale", Text::new("standard deviation of the initial weights", "初始权重的标准差")),
    )
    .plot(
        Text::new("The same from Kaiming's weights, by learning rate", "同一网络用 Kaiming 初始化，随学习率变化"),
        accuracy(&document["learning_rates"], "/learning_rate", Text::new("learning rate", "学习率")),
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

fn histograms(layers: &Value) -> Histograms {
    layers.as_array().into_iter().flatten().fold(Histograms::new(), |panels, layer| {
        let (index, std) = (&layer["layer"], number(layer["std"].as_f64().unwrap_or(f64::NAN)));
        let title = Text::new(format!("Layer {index}: std {std}"), format!("第 {index} 层：标准差 {std}"));
        let histogram = Histogram::read(&layer["histogram"]);
        panels.with(title, histogram)
    })
}

fn signal(document: &Value, activation: &str) -> Plot {
    let plot = Plot::new(Text::new("layer", "层"), Text::new("standard deviation", "标准差"));
    let plot = plot.scales(Scale::Linear, Scale::Logarithmic);
    let runs = document["signal"].as_array().into_iter().flatten().filter(|run| run["activation"] == activation);
    runs.enumerate().fold(plot, |plot, (colour, run)| {
        let curve = |pointer: &str| points(&run["layers"], "/layer", pointer);
        let name = Text::new(format!("{}, with", run["scale"]), format!("{}，有", run["scale"]));
        let other = Text::new(format!("{}, without", run["scale"]), format!("{}，无", run["scale"]));
        plot.with(Series::new(name, curve("/with/std"), Marks::LineAndPoints).coloured(colour))
            .with(Series::new(other, curve("/without/std"), Marks::Dashed).coloured(colour))
    })
}

fn accuracy(runs: &Value, x: &str, title: Text) -> Plot {
    let curve = |pointer: &str| points(runs, x, pointer);
    Plot::new(title, Text::new("training accuracy", "训练正确率"))
        .scales(Scale::Logarithmic, Scale::Linear)
        .y_range(0.0, 1.05)
        .with(Series::new(
            Text::new("with batch norm", "有批归一化"),
            curve("/with/train_accuracy"),
            Marks::LineAndPoints,
        ))
        .with(Series::new(Text::new("without", "无"), curve("/without/train_accuracy"), Marks::LineAndPoints))
}
