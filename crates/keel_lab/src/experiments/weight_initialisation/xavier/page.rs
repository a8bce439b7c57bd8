//! Page of the derivation of Xavier's weights.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Scale, Series, exact, points};
use keel_page::page::{Page, Table, mathml};
use maud::html;

use super::{Comparison, Document, Layer, Step};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "A derivation, with a simulation of each step. The question: how large must the weights w of a \
             layer y = W x be so that y varies as much as x?",
            "一个推导，每一步旁边都有对其结论的模拟。问题是：层 y = W x 的权重 w 应取多大，才能使 y 的变化幅度与 x 相同？",
        )
        .plot(
            Text::new(
                "The result: standard deviation by layer through linear layers; dashed, the prediction (n·Var(w))<sup>l/2</sup>",
                "结论：信号通过线性层时逐层的标准差；虚线为预测 (n·Var(w))<sup>l/2</sup>",
            ),
            stacks(document),
        );
    limits(backward(forward(page, document), document), document)
}

fn forward(page: Page, document: &Document) -> Page {
    page.heading("The derivation, forward", "推导：前向")
        .paragraph(
            "1. Weight and input are independent and the weight has mean 0, so the variance of a product is that of the weight times the \
             second moment of the input, which is the variance of the input where that has mean 0 as well.",
            "1. 权重与输入独立，权重均值为 0，于是乘积的方差等于权重方差乘以输入的二阶矩；输入均值也为 0 时，二阶矩就是输入的方差。",
        )
        .formula(mathml("Var(w x) = Var(w) E[x^2] \\quad E[x] = 0 ⇒ Var(w x) = Var(w) Var(x)"))
        .paragraph(
            "2. A unit adds up n such products; they are uncorrelated, so variances add. The chart below measures it for n from \
             1 to thousands.",
            "2. 一个单元把 n 个这样的乘积相加；它们互不相关，方差相加。下图对 n 从 1 到几千作了测量。",
        )
        .formula(html! {
            mi { "Var" } mo { "(" } mi { "y" } mo { ")" } mo { "=" } mi { "n" } mspace width="0.2em" {}
            mi { "Var" } mo { "(" } mi { "w" } mo { ")" } mspace width="0.2em" {} mi { "Var" } mo { "(" }
            mi { "x" } mo { ")" }
        })
        .plot(Text::new("Variance of a sum of n products of standard normal numbers", "n 个标准正态数乘积之和的方差"), sums(document))
        .paragraph("3. For y to vary as much as x,", "3. 要使 y 与 x 的方差相同，")
        .formula(html! {
            mi { "n" } mspace width="0.2em" {} mi { "Var" } mo { "(" } mi { "w" } mo { ")" } mo { "=" }
            mn { "1" } mspace width="1em" {} mo { "⇒" } mspace width="1em" {} mi { "Var" } mo { "(" } mi { "w" }
            mo { ")" } mo { "=" } mfrac { mn { "1" } mi { "n" } }
        })
        .paragraph(
            "4. In a convolution a unit adds up a whole window of all channels: n = kernel height × kernel width × channels, 576 for \
             3 × 3 × 64. Forgetting the window makes the variance nine times too large.",
            "4. 卷积中，一个单元把整个窗口内所有通道的乘积相加：n = 核高 × 核宽 × 通道数，3 × 3 × 64 即 576。若忘了窗口，方差会大九倍。",
        )
        .table(steps(document))
}

fn backward(page: Page, document: &Document) -> Page {
    page.heading("The derivation, backward", "推导：反向")
        .paragraph(
            "5. The gradient goes back through the transposed matrix: each input collects n<sub>out</sub> products, so that for \
             gradients the same argument asks for 1/n<sub>out</sub>. Both cannot hold unless the layer has as many outputs as inputs (a square matrix). Glorot and \
             Bengio take the mean of the two numbers; the lecture's Xavier is 1/n<sub>in</sub>.",
            "5. 梯度经转置矩阵传回：每个输入汇集 n<sub>out</sub> 个乘积，同样的论证对梯度要求 1/n<sub>out</sub>。除非该层的输入数与输出数相等（权重为方阵），两者无法同时满足。\
             Glorot 与 Bengio 取两个数的平均；课程中的 Xavier 是 1/n<sub>in</sub>。",
        )
        .formula(html! {
            mi { "Var" } mo { "(" } mi { "w" } mo { ")" } mo { "=" }
            mfrac { mn { "2" } mrow { msub { mi { "n" } mi { "in" } } mo { "+" } msub { mi { "n" } mi { "out" } } } }
        })
        .table(rectangular(document))
}

fn limits(page: Page, document: &Document) -> Page {
    page.heading("Where the assumptions end", "假设在何处失效")
        .paragraph(
            "Tanh is nearly a straight line only for small inputs. From a standard normal input it keeps less than it \
             gets, the next layer keeps a larger share of that, and the signal decays forever, but slowly, like 1/√l.",
            "tanh 只在输入很小时才近似直线。对标准正态输入，它的输出小于输入；信号越小，下一层的衰减也越少；于是信号持续但缓慢地衰减，约为 1/√l。",
        )
        .plot(Text::new("Tanh with Xavier's weights", "tanh 配 Xavier 权重"), tanh(document))
        .paragraph(
            "After relu the inputs have a mean: E[x²] is ½ of the variance before, Var(x) only 0.34 of it. Step 1 \
             shows that it is E[x²] that counts. Taking this into account gives Kaiming's factor 2 ([[kaiming_gain]]).",
            "ReLU 之后的输入均值不为零：E[x²] 是之前方差的 ½，而 Var(x) 只有 0.34。第 1 步表明起作用的是 E[x²]。区分这两者，就得到 Kaiming 的系数 2（见[[kaiming_gain]]）。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "The variance of a weight is one over the number of terms in the sum it takes part in. The rest is bookkeeping: which \
             sum (forward or back), how many terms (windows count), and what the activation leaves of the second moment.",
            "权重的方差等于它所参与求和的项数的倒数。其余都是细节：是哪个求和（前向还是反向），有多少项（窗口要算进去），以及激活函数保留了多少二阶矩。",
        )
}

/// One of the two numbers of a comparison.
type Side = fn(&Comparison) -> f64;
const MEASURED: Side = |comparison| comparison.measured;
const THEORY: Side = |comparison| comparison.theory;

fn by_layer(layers: &[Layer], side: Side) -> Vec<Point> {
    points(layers, |layer| layer.layer as f64, |layer| side(&layer.comparison))
}

fn stacks(document: &Document) -> Plot {
    let plot = Plot::new(Text::new("layer", "层"), Text::new("standard deviation", "标准差"));
    let stacks = document.linear_stacks.iter().enumerate();
    stacks.fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, (colour, stack)| {
        let name = format!("n·Var(w) = {}", exact(stack.factor));
        let (measured, theory) = (by_layer(&stack.layers, MEASURED), by_layer(&stack.layers, THEORY));
        plot.with(Series::new(name.as_str(), measured, Marks::LineAndPoints).coloured(colour))
            .with(Series::new(Text::new("predicted", "预测"), theory, Marks::Dashed).coloured(colour))
    })
}

fn sums(document: &Document) -> Plot {
    let curve = |side: Side| points(&document.sums, |sum| sum.inputs as f64, |sum| side(&sum.comparison));
    Plot::new("n", Text::new("variance of the sum", "和的方差"))
        .scales(Scale::Logarithmic, Scale::Logarithmic)
        .with(Series::new(Text::new("measured", "实测"), curve(MEASURED), Marks::Points))
        .with(Series::new(Text::new("theory: n", "理论：n"), curve(THEORY), Marks::Dashed))
}

fn tanh(document: &Document) -> Plot {
    let curve = |side: Side| by_layer(&document.tanh_stack, side);
    Plot::new(Text::new("layer", "层"), Text::new("standard deviation", "标准差"))
        .with(Series::new(Text::new("measured", "实测"), curve(MEASURED), Marks::LineAndPoints))
        .with(Series::new(Text::new("theory, infinite width", "理论（无限宽）"), curve(THEORY), Marks::Dashed))
}

fn steps(document: &Document) -> Table {
    let columns = vec![Text::new("Step", "步骤"), Text::new("Theory", "理论"), Text::new("Measured", "实测")];
    let mut table = Table::new(Text::new("Single numbers of steps 1 and 4", "第 1 步与第 4 步的数值"), columns);
    for figures in &document.steps {
        let name = match figures.step {
            Step::ProductNormal => Text::new("Var(w x), x standard normal", "Var(w x)，x 标准正态"),
            Step::ProductUniform => Text::new("Var(w x), x uniform in [−1, 1]", "Var(w x)，x 在 [−1, 1] 均匀"),
            Step::ProductRectified => Text::new("Var(w x), x after relu, by E[x²]", "Var(w x)，x 经 ReLU，按 E[x²]"),
            Step::ProductRectifiedIfVariance => Text::new("the same, by Var(x): wrong", "同上，按 Var(x)：错误"),
            Step::Convolution => Text::new("Var(y), 3 × 3 × 64, Var(w) = 1/576", "Var(y)，3 × 3 × 64，Var(w) = 1/576"),
            Step::ConvolutionIfChannelsOnly => Text::new("the same with Var(w) = 1/64", "同上，Var(w) = 1/64"),
        };
        table.row(name, &[figures.comparison.theory, figures.comparison.measured]);
    }
    table
}

fn rectangular(document: &Document) -> Table {
    let columns = vec![
        Text::same("Var(w)"),
        Text::new("Forward, theory", "前向，理论"),
        Text::new("measured", "实测"),
        Text::new("Backward, theory", "反向，理论"),
        Text::new("measured", "实测"),
    ];
    let caption = Text::new(
        "A layer with four times as many inputs as outputs: change of the variance",
        "输入数是输出数四倍的层：方差的变化倍数",
    );
    let mut table = Table::new(caption, columns);
    for row in &document.rectangular {
        let name = row.choice.replace("n_in", "n<sub>in</sub>").replace("n_out", "n<sub>out</sub>");
        let (forward, backward) = (row.forward, row.backward);
        table.row(name.as_str(), &[forward.theory, forward.measured, backward.theory, backward.measured]);
    }
    table
}
