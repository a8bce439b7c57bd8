//! Page of the backward pass of batch norm.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Series, number, points};
use keel_page::page::{Page, Table, cell, mathml};

use super::{Document, Line, Sample};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "A batch of {} samples in three channels goes through the engine's batch norm, and a gradient comes back. The \
                 dots are the samples of the first channel: the upstream gradient dy over the normalised input x̂. Batch norm \
                 lets through what a straight line through them does not explain.",
                document.batch
            ),
            format!(
                "一批 {} 个样本、三个通道，通过引擎的批量归一化层，再把梯度传回来。图中的点是第一个通道的样本：横轴为归一化后的输入 x̂，纵轴为上游梯度 dy。\
                 批量归一化只保留直线无法解释的部分。",
                document.batch
            ),
        )
        .plot(
            Text::new(
                "Upstream gradient over normalised input. The line has the height dβ/N and the slope dγ/N",
                "上游梯度与归一化输入。直线的截距为 dβ/N，斜率为 dγ/N",
            ),
            upstream(document),
        )
        .plot(
            Text::new(
                "The remainder: dx of the engine, without the factor γ/√(σ² + ε). Its mean is 0, and so is its slope",
                "剩下的部分：引擎的 dx，去掉倍数 γ/√(σ² + ε)。均值为 0，斜率也为 0",
            ),
            left(document),
        );
    let page = check(backward(forward(page)), document);
    zero(page, document)
}

fn forward(page: Page) -> Page {
    page.heading("Forward", "前向")
        .paragraph(
            "Four lines for each channel. N samples x₁ … x_N go in; the mean and the variance depend on all of them."
                .replace("x_N", "x<sub>N</sub>"),
            "每个通道四行。输入 N 个样本 x₁ … x_N，均值与方差依赖于所有样本。".replace("x_N", "x<sub>N</sub>"),
        )
        .formula(mathml("μ = \\frac{1}{N} ∑_n x_n \\quad σ^2 = \\frac{1}{N} ∑_n {(x_n - μ)}^2"))
        .formula(mathml("\\hat{x}_n = \\frac{x_n - μ}{\\sqrt{σ^2 + ε}} \\quad y_n = γ \\hat{x}_n + β"))
}

fn backward(page: Page) -> Page {
    page.heading("Backward", "反向")
        .paragraph(
            "Given dy, the gradient of the loss with respect to the outputs. <b>β</b> is added to every output and <b>γ</b> multiplies every x̂, so \
             both collect from all samples:",
            "已知 dy，即损失对输出的梯度。<b>β</b> 加到每个输出上，<b>γ</b> 乘以每个 x̂，所以两者都从所有样本收集梯度：",
        )
        .formula(mathml("dβ = ∑_n dy_n \\quad dγ = ∑_n dy_n \\hat{x}_n"))
        .paragraph(
            "An input x reaches the loss on three paths. <b>Directly</b>, with mean and variance held fixed, it is a mere scaling:",
            "输入 x 经三条路径影响损失。<b>直接路径</b>：均值与方差固定时只是缩放：",
        )
        .formula(mathml("d\\hat{x}_n = γ dy_n \\quad ⇒ \\quad \\frac{γ dy_n}{\\sqrt{σ^2 + ε}}"))
        .paragraph(
            "<b>Through the variance</b>, which divides every x̂; the derivative of (σ² + ε)<sup>−½</sup> is −½ (σ² + ε)<sup>−3/2</sup>:",
            "<b>经过方差</b>：它除每一个 x̂；(σ² + ε)<sup>−½</sup> 的导数是 −½ (σ² + ε)<sup>−3/2</sup>：",
        )
        .formula(mathml("dσ^2 = -\\frac{1}{2} {(σ^2 + ε)}^{-3/2} ∑_n γ dy_n (x_n - μ)"))
        .paragraph(
            "<b>Through the mean</b>, which is subtracted from every x. It also moves the variance, but by −2/N Σ(x − μ) = 0:",
            "<b>经过均值</b>：它从每个 x 中减去。均值也影响方差，但贡献是 −2/N Σ(x − μ) = 0：",
        )
        .formula(mathml("dμ = -\\frac{1}{\\sqrt{σ^2 + ε}} ∑_n γ dy_n"))
        .paragraph("All three together, since ∂σ²/∂x = 2(x − μ)/N and ∂μ/∂x = 1/N:", "三条路径相加，其中 ∂σ²/∂x = 2(x − μ)/N，∂μ/∂x = 1/N：")
        .formula(mathml("dx_n = \\frac{γ dy_n}{\\sqrt{σ^2 + ε}} + dσ^2 \\frac{2 (x_n - μ)}{N} + \\frac{dμ}{N}"))
        .paragraph(
            "Both sums are already known: dμ contains dβ, and dσ² contains dγ. Put in, everything collects into one line:",
            "两个求和都已算过：dμ 里有 dβ，dσ² 里有 dγ。代入后合并为一行：",
        )
        .formula(mathml("dx_n = \\frac{γ}{N \\sqrt{σ^2 + ε}} (N dy_n - dβ - \\hat{x}_n dγ)"))
}

fn check(page: Page, document: &Document) -> Page {
    page.paragraph(
        "Each line by hand, in double precision, next to the engine's numbers. Its layer gives y, dβ, dγ and dx. A \
         frozen layer, whose statistics do not move, gives the direct path. In evaluation mean and variance are given \
         numbers, so finite differences of the loss with respect to them are dμ and dσ². The last row takes \
         differences with respect to every input, on all paths at once.",
        "每一行用双精度手算，再与引擎对照。引擎的层给出 y、dβ、dγ 与 dx；冻结的层（统计量不动）给出直接路径；推理模式下均值与方差是外部给定的数，\
         损失对它们的差商就是 dμ 与 dσ²；最后一行对每个输入取差商，包含全部路径。",
    )
    .table(lines(document))
    .plot(
        Text::new(
            "The three paths of the first channel, sample by sample: what each adds to dx",
            "第一个通道三条路径对每个样本 dx 的贡献",
        ),
        paths(document),
    )
}

fn zero(page: Page, document: &Document) -> Page {
    page.heading("Why the gradients sum to zero", "为什么梯度之和为零")
        .paragraph(
            "Add the same number to all x of a channel: the mean takes it away again, no output changes, and neither does the loss. The \
             derivative of the loss along that direction is Σ dx, so Σ dx = 0. The same from the last line: Σ dy = dβ and Σ x̂ = 0, so \
             N dβ/N − dβ − 0 = 0. Likewise multiply all x − μ by the same number: the deviation takes it away, so Σ dx x̂ = 0, up to ε's \
             share of the variance.",
            "给一个通道的所有 x 加上同一个数：减均值又把它去掉，输出不变，损失也不变。损失沿这个方向的导数就是 Σ dx，所以 Σ dx = 0。从最后一行也看得出：Σ dy = dβ，Σ x̂ = 0，\
             于是 dβ − dβ − 0 = 0。同理，把所有 x − μ 乘以同一个数：除以标准差又把它去掉，所以 Σ dx x̂ = 0（ε 在方差中所占的份额除外）。",
        )
        .formula(mathml("∑_n dx_n = 0 \\quad ∑_n dx_n \\hat{x}_n = \\frac{γ dγ}{\\sqrt{σ^2 + ε}} \\frac{ε}{σ^2 + ε} ≈ 0"))
        .table(sums(document))
        .paragraph(
            "Three things follow. A bias before batch norm has the gradient Σ dx = 0: it never learns anything, and β \
             does its work. The gradients of a unit have both signs in every batch, so that the weights before it are \
             no longer pushed all up or all down even where all inputs are positive: this is how batch norm ends the \
             zigzag of relu. And if all weights in front are multiplied by a, the output stays and dx shrinks by 1/a, \
             because √(σ² + ε) is in the denominator: large weights take small steps.",
            "由此得出三点。批量归一化之前的偏置，其梯度是 Σ dx = 0：它无法学到任何东西，其作用由 β 承担。一个单元的梯度在每批中有正有负，所以即使输入全为正，\
             它前面的权重也不会一起增大或一起减小：批量归一化就是这样消除 ReLU 的锯齿路径的。若前面的权重都乘以 a，输出不变，而 dx 缩小为 1/a（分母里有 √(σ² + ε)）：权重越大，步子越小。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "The backward pass of batch norm is a regression: dx is what remains of dy after its mean and its slope along x̂ are taken \
             out, times γ/√(σ² + ε). What was taken out goes to β and γ.",
            "批量归一化的反向传播是一次回归：从 dy 中去掉均值与沿 x̂ 的斜率，剩下的乘以 γ/√(σ² + ε) 就是 dx；去掉的部分交给了 β 与 γ。",
        )
}

fn by_sample(document: &Document, value: fn(&Sample) -> f64) -> Vec<(f64, f64)> {
    points(&document.samples, |sample| sample.normalised, value)
}

fn upstream(document: &Document) -> Plot {
    let plot = Plot::new("x̂", "dy").with(
        Series::new(Text::new("samples", "样本"), by_sample(document, |sample| sample.upstream), Marks::Points)
            .coloured(0),
    );
    let (Some(channel), [first, .., last]) = (document.channels.first(), &document.samples[..]) else { return plot };
    let n = document.batch as f64;
    let line = |x: f64| (x, channel.d_beta / n + channel.d_gamma / n * x);
    let ends = vec![line(first.normalised), line(last.normalised)];
    plot.with(Series::new(Text::new("(dβ + x̂ dγ)/N", "(dβ + x̂ dγ)/N"), ends, Marks::Line).coloured(1))
}

fn left(document: &Document) -> Plot {
    let plot = Plot::new("x̂", Text::new("dx √(σ² + ε) / γ", "dx √(σ² + ε) / γ")).with(
        Series::new(Text::new("samples", "样本"), by_sample(document, |sample| sample.left), Marks::Points).coloured(0),
    );
    let [first, .., last] = &document.samples[..] else { return plot };
    let zero = vec![(first.normalised, 0.0), (last.normalised, 0.0)];
    plot.with(Series::new(Text::new("zero", "零"), zero, Marks::Dashed).coloured(7)).small()
}

fn paths(document: &Document) -> Plot {
    let series = |name: Text, value: fn(&Sample) -> f64, marks| Series::new(name, by_sample(document, value), marks);
    Plot::new("x̂", Text::new("part of dx", "dx 的组成"))
        .with(series(Text::new("direct", "直接"), |sample| sample.direct, Marks::Points).coloured(2))
        .with(
            series(Text::new("through the variance", "经过方差"), |sample| sample.by_variance, Marks::Line).coloured(3),
        )
        .with(series(Text::new("through the mean", "经过均值"), |sample| sample.by_mean, Marks::Line).coloured(4))
        .with(series(Text::new("dx, their sum", "dx，三者之和"), |sample| sample.dx, Marks::Points).coloured(5))
}

fn lines(document: &Document) -> Table {
    let columns = [
        ("Line", "公式"),
        ("By hand against", "手算与引擎对照"),
        ("Largest number", "最大值"),
        ("Largest difference", "最大差异"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let mut table =
        Table::new(Text::new("Every line of the derivation, all channels", "推导的每一行，全部通道"), columns);
    let layer = Text::new("the layer in training", "训练中的层");
    let differences = Text::new("differences in evaluation", "推理模式的差商");
    for check in &document.lines {
        let (line, against) = match check.line {
            Line::Output => ("y = γ x̂ + β", layer.clone()),
            Line::Shift => ("dβ", layer.clone()),
            Line::Scale => ("dγ", layer.clone()),
            Line::Direct => ("γ dy / √(σ² + ε)", Text::new("a frozen layer", "冻结的层")),
            Line::Variance => ("dσ²", differences.clone()),
            Line::Mean => ("dμ", differences.clone()),
            Line::ThreePaths => ("dx, three paths", layer.clone()),
            Line::Collected => ("dx, one line", layer.clone()),
            Line::Numerical => ("dx, differences", layer.clone()),
        };
        let line = Text::new(
            line,
            line.replace(", three paths", "，三条路径")
                .replace(", one line", "，一行")
                .replace(", differences", "，差商"),
        );
        table.text_row(vec![line, against, cell(check.largest), cell(check.difference)]);
    }
    table
}

fn sums(document: &Document) -> Table {
    let columns = [
        ("Channel", "通道"),
        ("γ", "γ"),
        ("σ²", "σ²"),
        ("dβ = Σ dy", "dβ = Σ dy"),
        ("dγ", "dγ"),
        ("Σ dx", "Σ dx"),
        ("Σ dx x̂", "Σ dx x̂"),
        ("Σ |dx|", "Σ |dx|"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption =
        Text::new("Sums over the batch, with the engine's dx in single precision", "对整批求和，dx 为引擎的单精度数值");
    let mut table = Table::new(caption, columns);
    for (index, channel) in document.channels.iter().enumerate() {
        let numbers = [
            channel.gamma,
            channel.variance,
            channel.d_beta,
            channel.d_gamma,
            channel.sum_dx,
            channel.sum_dx_normalised,
            channel.sum_magnitudes,
        ];
        table.row(number((index + 1) as f64).as_str(), &numbers);
    }
    table
}
