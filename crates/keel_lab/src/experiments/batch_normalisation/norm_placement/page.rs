//! Page of the experiment on the placement of batch norm.

use keel_page::charts::{Dots, Marks, Plot, Scale, Series, number};
use keel_page::page::{Page, Table};
use keel_page::{Language, Text};

use super::{BiasGradients, Document, PlacementFigures, StackFigures};
use crate::loss_curve::loss_points;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let stacks = &document.stacks;
    let mut page = Page::new().heading("What you see", "现象").paragraph(
        "Four stacks learn the digits with batch norm between map and activation, after the activation, and without. Every \
         run is a dot, the bar is their mean; then the training loss of the linear and of the convolutional relu stack.",
        "四种网络学习手写数字：批量归一化分别放在线性映射与激活之间、激活之后，或不用。每个点是一次训练，竖线是平均值；然后是线性与卷积 ReLU 网络的训练损失。",
    );
    page = page.dots(Text::new("Test accuracy after a short training", "短时训练后的测试准确率"), dots(stacks));
    for (stack, caption) in [
        (&stacks[2], Text::new("Linear layers with relu", "线性层加 ReLU")),
        (&stacks[3], Text::new("Convolutions with relu", "卷积层加 ReLU")),
    ] {
        page = page.plot(caption, losses(stack));
    }
    let BiasGradients { weight_rms, bias_rms, bias_rms_without_norm } = document.bias_before_norm;
    let (weight, bias, free) = (number(weight_rms), number(bias_rms), number(bias_rms_without_norm));
    page.table(table(stacks))
        .heading("Why", "为什么")
        .paragraph(
            "Before the activation, batch norm decides how much of the activation's range is used: half of the relus \
             open, the sigmoid near its steep middle. After it, the next layer gets centred inputs instead of \
             positive ones. Both put a normalisation between any two maps, which is what helps most; the original \
             paper and the lecture put it before.",
            "放在激活之前，批量归一化决定激活函数工作在哪一段：一半的 ReLU 打开，sigmoid 处于陡峭的中段。放在激活之后，下一层得到零中心而不是恒正的输入。\
             两种放法都在任意两个映射之间做了归一化，这才是最主要的作用；原论文与课程都放在激活之前。",
        )
        .paragraph(
            format!(
                "A bias before batch norm is subtracted again with the mean, so its gradient is 0 up to rounding: \
                 {bias} here, where \
                 the weights of the same layer get {weight} and a bias without batch norm {free}. Leave it out; β does its work ([[batch_norm_backward|why the sum is zero]])."
            ),
            format!(
                "批量归一化之前的偏置会随均值一起被减掉，所以除舍入误差外梯度为 0：这里是 {bias}，而同一层权重的梯度为 {weight}，没有批量归一化时偏置的梯度为 {free}。应去掉它，由 β 代替（[[batch_norm_backward|为什么和为零]]）。"
            ),
        )
        .heading("What to take away", "要点")
        .paragraph(
            "The stack to start from: convolution – batch norm – relu, again and again, pooling now and then, and a linear layer at \
             the end; or linear – batch norm – activation. The choice between before and after matters little for relu.",
            "可作起点的结构：卷积 – 批量归一化 – ReLU 反复堆叠，间或池化，最后接线性层；或者线性 – 批量归一化 – 激活。对 ReLU 来说，放在之前还是之后差别不大。",
        )
}

fn stack_name(stack: &StackFigures) -> Text {
    let name = stack.stack;
    Text::new(name, name.replace("linear, ", "线性，").replace("convolution, ", "卷积，"))
}

/// Iterates over every placement of every stack, with its name.
fn rows(stacks: &[StackFigures]) -> impl Iterator<Item = (Text, &PlacementFigures)> {
    stacks.iter().flat_map(|stack| stack.placements.iter().map(move |figures| (row_name(stack, figures), figures)))
}

fn row_name(stack: &StackFigures, figures: &PlacementFigures) -> Text {
    let (stack, placement) = (stack_name(stack), figures.placement.title());
    Text::new(
        format!("{}: {}", stack.get(Language::English), placement.get(Language::English)),
        format!("{}：{}", stack.get(Language::Chinese), placement.get(Language::Chinese)),
    )
}

fn dots(stacks: &[StackFigures]) -> Dots {
    rows(stacks).fold(Dots::new(Text::new("test accuracy", "测试准确率")), |dots, (name, figures)| {
        dots.with(name, figures.accuracies.clone())
    })
}

fn losses(stack: &StackFigures) -> Plot {
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    stack.placements.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, figures| {
        plot.with(Series::new(figures.placement.title(), loss_points(&figures.curve), Marks::Line))
    })
}

fn table(stacks: &[StackFigures]) -> Table {
    let columns = vec![
        Text::new("Stack", "网络"),
        Text::new("Test accuracy", "测试准确率"),
        Text::new("Spread", "离散度"),
        Text::new("Mean handed on", "传给下一层的均值"),
        Text::new("Std", "标准差"),
        Text::new("Zeros", "零的比例"),
    ];
    let caption = Text::new(
        "Accuracy with its standard deviation over seeds, and the input of the last linear layer",
        "准确率及其在各随机种子间的标准差，以及最后的线性层得到的输入",
    );
    let mut table = Table::new(caption, columns);
    for (name, PlacementFigures { test_accuracy, spread, handed_on, .. }) in rows(stacks) {
        table.row(name, &[*test_accuracy, *spread, handed_on.mean, handed_on.std, handed_on.zero_fraction]);
    }
    table
}
