//! Page of the batch norm experiment.

use keel_page::Text;
use keel_page::charts::{Histograms, Marks, Plot, Point, Scale, Series, exact, number, points};
use keel_page::page::{Page, Table, cell, mathml};

use super::scale_and_shift::Distribution as Shape;
use super::{Distribution, Document, Layer, Pair, Signal};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let page = definition(Page::new(), document);
    let page = training(signals(page, document), document);
    take_away(epsilon(page, document))
}

fn definition(page: Page, document: &Document) -> Page {
    let scaled = &document.scale_and_shift;
    let histograms = |normalised: bool| {
        scaled.channels.iter().fold(Histograms::new(), |panels, channel| {
            let (moments, histogram) = match normalised {
                true => (channel.normalised, &channel.histogram_normalised),
                false => (channel.before, &channel.histogram_before),
            };
            let (mean, std) = (signed(moments.mean), number(moments.std));
            let name = shape(channel.shape);
            let title =
                |language, words: [&str; 2]| format!("{}{} {mean}{} {std}", name.get(language), words[0], words[1]);
            use keel_page::Language::{Chinese, English};
            let title = Text::new(title(English, [": mean", ", std"]), title(Chinese, ["：均值", "，标准差"]));
            panels.with(title, histogram.clone())
        })
    };
    page.heading("What it computes", "它计算什么")
        .paragraph(
            "For each unit or channel, with mean and variance over the batch (and, for images, over all positions):",
            "对每个单元或通道，用批内（图像还包括所有位置）的均值与方差：",
        )
        .formula(mathml("\\hat{x} = \\frac{x - μ}{\\sqrt{σ^2 + ε}} \\quad y = γ \\hat{x} + β"))
        .paragraph(
            format!(
                "Here three channels of {} samples go in, each with a location, a scale and a shape of its own. What comes out has mean 0 and \
                 standard deviation 1, and the shape it had: batch norm does not make anything normal.",
                scaled.samples
            ),
            format!(
                "这里输入三个通道，各 {} 个样本，位置、尺度与形状各不相同。输出的均值为 0、标准差为 1，形状却和原来一样：批量归一化并不会把分布变成正态。",
                scaled.samples
            ),
        )
        .histograms(Text::new("Before: the inputs of three channels", "归一化之前：三个通道的输入"), histograms(false))
        .histograms(Text::new("After normalisation (γ = 1, β = 0)", "归一化之后（γ = 1，β = 0）"), histograms(true))
        .paragraph(
            "Mean 0 and variance 1 may be too hard a constraint: it would keep a sigmoid in its straight middle. So each channel has two \
             learned numbers, γ and β, which set a new deviation and mean. They are learned like weights; what was there before does \
             not come back through them.",
            "均值 0、方差 1 有时约束过强：例如会把 sigmoid 限制在近似直线的中段。因此每个通道有两个可学习的数 γ 与 β，重新设定标准差与均值。它们与权重一样通过学习得到，与原来的均值、标准差无关。",
        )
        .table(scale_and_shift(document))
        .paragraph(
            format!(
                "Where no normalisation would be best, they can undo it: with γ = √(σ² + ε) and β = μ the output is the input, here to {} of \
                 the largest.",
                number(scaled.identity_difference)
            ),
            format!(
                "如果不归一化更好，它们可以撤销归一化：γ = √(σ² + ε)、β = μ 时输出就是输入，这里的相对误差为 {}。",
                number(scaled.identity_difference)
            ),
        )
}

fn signals(page: Page, document: &Document) -> Page {
    let distributions = &document.distributions;
    let mut page = page
        .heading("The signal through many layers", "信号穿过多层")
        .paragraph(
            "The outputs of six tanh layers before training, from weights half as large as Xavier's: without batch norm the signal shrinks \
             layer by layer; with batch norm every layer starts from the same scale.",
            "训练前六个 tanh 层的输出，权重只有 Xavier 的一半：没有批量归一化时信号逐层缩小，有批量归一化时每层都重新开始。",
        )
        .histograms(Text::new("Without batch norm", "没有批量归一化"), histograms(&distributions.without))
        .histograms(Text::new("With batch norm before every tanh", "每个 tanh 之前有批量归一化"), histograms(&distributions.with))
        .paragraph(
            "The same in numbers, from weights between a thousand times too small and far too large. Solid lines: with batch norm between \
             linear map and activation. Dashed: without.",
            "再看数值，初始权重从过小到过大。实线：线性层与激活之间有批量归一化；虚线：没有。",
        );
    for activation in ["tanh", "relu"] {
        let caption = Text::new(
            format!("{activation}: standard deviation of the outputs by layer, for weights of different size"),
            format!("{activation}：不同权重大小下各层输出的标准差"),
        );
        page = page.plot(caption, signal(&document.signal, activation));
    }
    page
}

fn training(page: Page, document: &Document) -> Page {
    page.heading("Training", "训练")
        .plot(
            Text::new(
                "A deep relu network after a short training, by the size of its initial weights",
                "深层 ReLU 网络短时训练后的结果，随初始权重大小变化",
            ),
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
        .paragraph(
            "Multiply all weights by a, and x, μ and σ are multiplied by a too: the output stays the same, and the gradient with respect to the \
             weights becomes 1/a of what it was, so that weights that are too large take smaller steps. That is why neither the size of the \
             initial weights nor the learning rate matters as much as before.",
            "把所有权重乘以 a，x、μ、σ 也都乘以 a：输出不变，而权重的梯度变为原来的 1/a，因此过大的权重更新步长更小。所以初始权重的大小与学习率都不再像以前那样要紧。",
        )
}

fn epsilon(page: Page, document: &Document) -> Page {
    let figures = &document.epsilons;
    let scale = exact(figures.scale);
    let usual = figures.runs.first();
    let shown = |value: Option<f64>| number(value.unwrap_or(f64::NAN));
    let share = shown(usual.and_then(|run| run.layers.first()).map(|layer| layer.normalised_std));
    let accuracy = shown(usual.map(|run| run.trained.train_accuracy));
    let best = shown(figures.runs.last().map(|run| run.trained.train_accuracy));
    page.heading("Where batch norm fails too: ε", "批量归一化的失效情形：ε")
        .paragraph(
            format!(
                "From weights of {scale} the network with batch norm learns nothing either ({accuracy} right). The \
                 cause is ε, which keeps the square root away from 0. The variance of a pre-activation is \
                 n·Var(w)·Var(x), below 1e−6 here, and ε is 1e−5: the divisor is √ε, not σ. After the first batch \
                 norm the deviation is {share} instead of 1, so the next layer is given that much less, and falls \
                 short by more:"
            ),
            format!(
                "权重取 {scale} 时，有批量归一化的网络也学不到东西（准确率 {accuracy}）。原因是防止除以零的 ε：预激活值的方差是 n·Var(w)·Var(x)，这里不到 1e−6，而 ε 是 1e−5，\
                 所以除以的其实是 √ε 而不是 σ。第一个批量归一化之后，标准差是 {share} 而不是 1；下一层的输入更小，标准差离 1 更远："
            ),
        )
        .formula(mathml("Var(\\hat{x}_l) = \\frac{v_l}{v_l + ε} \\quad v_l = n Var(w) (\\frac{1}{2} - \\frac{1}{2π}) Var(\\hat{x}_{l-1})"))
        .plot(
            Text::new(
                format!("Standard deviation after each batch norm, from weights of {scale}, for three values of ε; dashed, the formula"),
                format!("权重为 {scale} 时每个批量归一化之后的标准差，三种 ε；虚线为公式"),
            ),
            epsilon_plot(document),
        )
        .paragraph(
            format!(
                "If that is the cause, a smaller ε must cure it, with everything else as before. It does: with the smallest the same weights reach \
                 {best}. So batch norm tolerates weights as long as the variance they leave is large compared with ε."
            ),
            format!(
                "如果原因确实如此，那么其他条件不变、只减小 ε 就应该能解决问题。结果正是如此：用最小的 ε，同样的权重达到 {best}。所以，只要权重留下的方差远大于 ε，批量归一化就能容忍它们。"
            ),
        )
        .table(epsilon_table(document))
}

fn take_away(page: Page) -> Page {
    page.heading("What to take away", "要点").paragraph(
        "Put it after the linear or convolutional layer and before the activation, and leave that layer's bias out: the subtracted \
         mean takes it away again. It does not remove the zeros of relu: half of the outputs stay 0, as they should. It behaves \
         differently in training and inference ([[batch_norm_inference]]), a common source of mistakes. How the gradient comes back: \
         [[batch_norm_backward]]; how it disappears at inference: [[batch_norm_folding]].",
        "放在线性层或卷积层之后、激活之前，并去掉该层的偏置：减均值会把它抵消。它不会消除 ReLU 的零：仍有一半输出为 0，这很正常。\
         它在训练与推理时行为不同（[[batch_norm_inference]]），这是常见的错误来源。梯度如何传回，见[[batch_norm_backward]]；推理时如何消失，见[[batch_norm_folding]]。",
    )
}

fn shape(shape: Shape) -> Text {
    match shape {
        Shape::Normal => Text::new("normal", "正态"),
        Shape::Skewed => Text::new("skewed", "偏斜"),
        Shape::TwoHeaps => Text::new("two heaps", "双峰"),
    }
}

/// Formats two decimals, without a sign before zero.
fn signed(value: f64) -> String {
    format!("{value:.2}").replace("-0.00", "0.00").replace('-', "\u{2212}")
}

fn scale_and_shift(document: &Document) -> Table {
    let columns = [
        ("Channel", "通道"),
        ("Mean before", "原均值"),
        ("Std before", "原标准差"),
        ("γ", "γ"),
        ("β", "β"),
        ("Mean after", "输出均值"),
        ("Std after", "输出标准差"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new("γ is the new standard deviation, β the new mean", "γ 是新的标准差，β 是新的均值");
    let mut table = Table::new(caption, columns);
    for channel in &document.scale_and_shift.channels {
        table.text_row(vec![
            shape(channel.shape),
            cell(channel.before.mean),
            cell(channel.before.std),
            cell(channel.gamma),
            cell(channel.beta),
            cell(channel.after.mean),
            cell(channel.after.std),
        ]);
    }
    table
}

fn epsilon_plot(document: &Document) -> Plot {
    let plot =
        Plot::new(Text::new("layer", "层"), Text::new("standard deviation after batch norm", "批量归一化之后的标准差"));
    let runs = document.epsilons.runs.iter().enumerate();
    runs.fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, (index, run)| {
        let epsilon = format!("ε = {}", exact(run.epsilon));
        let theory = Text::new(format!("{epsilon}, formula"), format!("{epsilon}，公式"));
        let measured = points(&run.layers, |layer| layer.layer as f64, |layer| layer.normalised_std);
        let predicted = points(&run.layers, |layer| layer.layer as f64, |layer| layer.theory);
        plot.with(Series::new(epsilon.as_str(), measured, Marks::LineAndPoints).coloured(index + 4))
            .with(Series::new(theory, predicted, Marks::Dashed).coloured(index + 4))
    })
}

fn epsilon_table(document: &Document) -> Table {
    let columns = [
        ("ε", "ε"),
        ("Std after batch norm, first layer", "批量归一化后的标准差，首层"),
        ("last layer", "末层"),
        ("Training loss", "训练损失"),
        ("Training accuracy", "训练准确率"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption =
        Text::new("The same weights and the same training with three values of ε", "同样的权重、同样的训练，三种 ε");
    let mut table = Table::new(caption, columns);
    for run in &document.epsilons.runs {
        let std = |layer: Option<&super::epsilon::EpsilonLayer>| layer.map(|layer| layer.normalised_std);
        table.text_row(vec![
            Text::same(exact(run.epsilon)),
            cell(std(run.layers.first())),
            cell(std(run.layers.last())),
            cell(run.trained.train_loss),
            cell(run.trained.train_accuracy),
        ]);
    }
    table
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

/// Plots the accuracies of one side of all pairs over the setting in which the pairs differ.
fn accuracy(x_title: Text, curve: impl Fn(fn(&Pair) -> f64) -> Vec<Point>) -> Plot {
    let with = curve(|pair| pair.with.train_accuracy);
    let without = curve(|pair| pair.without.train_accuracy);
    Plot::new(x_title, Text::new("training accuracy", "训练准确率"))
        .scales(Scale::Logarithmic, Scale::Linear)
        .y_range(0.0, 1.05)
        .with(Series::new(Text::new("with batch norm", "有批量归一化"), with, Marks::LineAndPoints).coloured(0))
        .with(Series::new(Text::new("without", "无"), without, Marks::LineAndPoints).coloured(1))
}
