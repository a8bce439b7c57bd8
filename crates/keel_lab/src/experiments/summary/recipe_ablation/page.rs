//! The page of the four recommendations.

use super::{Document, VariantFigures};
use crate::charts::{Dots, Marks, Plot, Scale, Series};
use crate::language::Text;
use crate::loss_curve::loss_points;
use crate::page::{Page, Table};

/// The page for one document.
pub(super) fn page(document: &Document) -> Page {
    let Document { width, depth, steps, seeds, variants, .. } = document;
    let dots = variants.iter().fold(Dots::new(Text::new("test accuracy", "测试正确率")), |dots, variant| {
        dots.with(variant.name(), variant.accuracies.clone())
    });
    let page = Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            format!(
                "The lecture ends with four recommendations: relu; subtract the mean and divide by the deviation; Kaiming's weights \
                 for relu (Xavier's for tanh); batch norm between map and activation. Here {depth} hidden layers of {width} units \
                 follow all four, then all but one, for {steps} steps on the digits; every variant has its own best learning \
                 rate out of a list and {seeds} seeds. A dot is a run, the bar the mean."
            ),
            format!(
                "课程最后归结为四条建议：用 ReLU；减均值、除以标准差；ReLU 用 Kaiming 初始化（tanh 用 Xavier）；在线性映射与激活之间加批归一化。\
                 这里用 {depth} 个隐层、每层 {width} 个单元的网络在手写数字上训练 {steps} 步：先四条全用，再逐一去掉。每种变体各取列表中的最佳学习率，\
                 并用 {seeds} 个随机种子。每个点是一次训练，竖线是平均值。"
            ),
        )
        .dots(Text::new("Test accuracy of every run", "每次训练的测试正确率"), dots)
        .plot(Text::new("Training loss, mean over seeds, each of the four removed", "训练损失（各种子平均），逐一去掉四条建议"), losses(&variants[..5]))
        .plot(Text::new("The same without batch norm", "没有批归一化时"), losses(&variants[4..]))
        .table(table(variants));
    why(page)
}

fn why(page: Page) -> Page {
    page.heading("Why", "为什么")
        .paragraph(
            "The four overlap. Batch norm sets the scale of every layer anew, so with it neither the raw inputs nor the weights of \
             0.01 do much harm: it covers for the others. Take it away, and each of the others becomes necessary: small weights \
             lose the signal on its way through the layers, the sigmoid loses the gradient on its way back, raw inputs leave \
             only a small learning rate.",
            "四条建议的作用有重叠。批归一化在每层重新设定尺度，所以有它在，原始输入或 0.01 的权重都影响不大：它替其他三条兜底。去掉它，其他每一条都变得必要：\
             小权重使信号在前向中消失，sigmoid 使梯度在反向中消失，原始输入只容许很小的学习率。",
        )
        .paragraph(
            "That is why removing one thing at a time can mislead: an ablation shows what a part is worth in the company of all \
             others, not what it is worth alone. The lower half of the chart, without batch norm, is the other side of it.",
            "因此每次只去掉一条可能误导人：消融实验显示的是某一条在其余各条都在时的价值，而不是它单独的价值。图的下半部分（没有批归一化）展示的是另一面。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Follow all four: none costs anything, and together they make deep networks train at the first attempt. If you must \
             do without batch norm, initialisation and preprocessing have to be right.",
            "四条都用：它们几乎没有代价，合在一起能让深层网络一次就训练成功。如果不能用批归一化，初始化与预处理就必须做对。",
        )
}

fn losses(variants: &[VariantFigures]) -> Plot {
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    variants.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, variant| {
        plot.with(Series::new(variant.name(), loss_points(&variant.curve), Marks::Line))
    })
}

fn table(variants: &[VariantFigures]) -> Table {
    let columns = vec![
        Text::new("Variant", "变体"),
        Text::new("Test accuracy", "测试正确率"),
        Text::new("Spread", "离散度"),
        Text::new("Against all four", "与四条全用之差"),
        Text::new("Learning rate", "学习率"),
    ];
    let caption = Text::new(
        "Mean over the seeds; the spread is their standard deviation",
        "各随机种子的平均值；离散度为其标准差",
    );
    let mut table = Table::new(caption, columns);
    let all = variants[0].test_accuracy;
    for variant in variants {
        let accuracy = variant.test_accuracy;
        table.row(variant.name(), &[accuracy, variant.spread, accuracy - all, variant.learning_rate]);
    }
    table
}
