//! Page of the four recommendations.

use keel_page::charts::{Dots, Marks, Plot, Scale, Series, number};
use keel_page::page::{Page, Table};
use keel_page::{Language, Text};

use super::{Document, VariantFigures};
use crate::loss_curve::loss_points;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let Document { width, depth, steps, seeds, classes, variants, .. } = document;
    let guess = number(1.0 / *classes as f64);
    let (with_norm, without) = (costs(&variants[1..5], &variants[0]), costs(&variants[5..8], &variants[4]));
    let dots = variants.iter().fold(Dots::new(Text::new("test accuracy", "测试准确率")), |dots, variant| {
        dots.with(variant.name(), variant.accuracies.clone())
    });
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "The lecture ends with four recommendations: relu; subtract the mean and divide by the deviation; Kaiming's weights \
                 for relu (Xavier's for tanh); batch norm between map and activation. Here {depth} hidden layers of {width} units \
                 follow all four, then all but one, for {steps} steps on small colour images (tiles of {classes} photographs, see \
                 [[image_recipes]]); every variant has its own best learning rate out of a list and {seeds} seeds. A dot is a \
                 run, the bar the mean; guessing gives {guess}."
            ),
            format!(
                "课程最后归结为四条建议：用 ReLU；减均值、除以标准差；ReLU 用 Kaiming 初始化（tanh 用 Xavier）；在线性映射与激活之间加批量归一化。\
                 这里用 {depth} 个隐藏层、每层 {width} 个单元的网络在小幅彩色图像（{classes} 张照片切成的小块，见 [[image_recipes]]）上训练 {steps} 步：\
                 先四条全用，再逐一去掉。每种变体各取列表中的最佳学习率，并用 {seeds} 个随机种子。每个点是一次训练，竖线是平均值；随机猜测的准确率为 {guess}。"
            ),
        )
        .dots(Text::new("Test accuracy of every run", "每次训练的测试准确率"), dots)
        .paragraph(
            format!(
                "Test accuracy against all four: {}. Against the network that lacks batch norm alone: {}. A difference within twice \
                 its standard error over the seeds counts as none.",
                with_norm.get(Language::English),
                without.get(Language::English)
            ),
            format!(
                "测试准确率与四条全用相比：{}。与只去掉批量归一化的网络相比：{}。差别若不超过各种子标准误的两倍，就算无差别。",
                with_norm.get(Language::Chinese),
                without.get(Language::Chinese)
            ),
        )
        .plot(Text::new("Training loss, mean over seeds, each of the four removed", "训练损失（各种子平均），逐一去掉四条建议"), losses(&variants[..5]))
        .plot(Text::new("The same without batch norm", "没有批量归一化时"), losses(&variants[4..]))
        .table(table(variants));
    why(page)
}

/// Describes the loss of accuracy of each variant compared with `base`.
fn costs(variants: &[VariantFigures], base: &VariantFigures) -> Text {
    let words = |variant: &VariantFigures, language: Language| {
        let (name, (cost, noise)) = (variant.name(), variant.cost(base));
        let (name, size) = (name.get(language), number((cost.abs() * 1000.0).round() / 1000.0));
        match (language, cost) {
            (Language::English, cost) if cost > noise => format!("{name}: {size} lower"),
            (Language::English, cost) if cost < -noise => format!("{name}: {size} higher"),
            (Language::English, _) => format!("{name}: no difference"),
            (Language::Chinese, cost) if cost > noise => format!("{name}：低 {size}"),
            (Language::Chinese, cost) if cost < -noise => format!("{name}：高 {size}"),
            (Language::Chinese, _) => format!("{name}：无差别"),
        }
    };
    let all = |language: Language| -> Vec<String> { variants.iter().map(|variant| words(variant, language)).collect() };
    Text::new(all(Language::English).join("; "), all(Language::Chinese).join("；"))
}

fn why(page: Page) -> Page {
    page.heading("Why", "为什么")
        .paragraph(
            "The four overlap. Batch norm sets the scale of every layer again, so raw inputs and weights of 0.01 do less harm with \
             it than without: it covers for the others. Take it away, and small weights lose the signal on its way through the \
             layers, the sigmoid loses the gradient on its way back, raw inputs leave only a small learning rate.",
            "四条建议的作用有重叠。批量归一化在每层重新设定尺度，所以有它在，原始输入与 0.01 的权重造成的损害比没有它时小：它弥补了其他几条的缺失。去掉它，\
             小权重使信号在前向中消失，sigmoid 使梯度在反向中消失，原始输入只容许很小的学习率。",
        )
        .paragraph(
            "That is why removing one thing at a time can mislead: an ablation shows the value of a part in the presence of all \
             others, not what it is worth alone. The lower half of the chart, without batch norm, is the other side of it.",
            "因此每次只去掉一条可能误导人：消融实验显示的是某一条在其余各条都在时的价值，而不是它单独的价值。图的下半部分（没有批量归一化）展示的是另一面。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Follow all four: none costs much, and together they make deep networks train at the first attempt. If you must do \
             without batch norm, initialisation and preprocessing have to be right.",
            "四条都用：它们代价不大，合在一起能让深层网络一次就训练成功。如果不能用批量归一化，初始化与预处理就必须做对。",
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
        Text::new("Test accuracy", "测试准确率"),
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
