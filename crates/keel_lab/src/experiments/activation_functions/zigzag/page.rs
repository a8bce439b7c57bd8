//! The page of the zigzag experiment.

use super::{Document, Paths, SignCurve, TARGET};
use crate::charts::{Marks, Plot, Scale, Series, points};
use crate::language::Text;
use crate::page::{Page, Table};

/// The page for one document.
pub(super) fn page(document: &Document) -> Page {
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "A neuron with two weights starts at (0, 0) and has to reach (1, −1): one weight up, the other down. With inputs that \
             are both positive every step moves both weights up or both down, so it can only approach in a zigzag.",
            "一个有两个权重的神经元从 (0, 0) 出发，目标是 (1, −1)：一个权重要增，另一个要减。若两个输入恒为正，每一步两个权重只能同增或同减，\
             于是只能走锯齿形路线。",
        )
        .plot(Text::new("The first path of each kind", "两种输入各取第一条路径"), paths(document))
        .table(table(document))
        .plot(
            Text::new(
                "Share of units whose weight gradients all have one sign, by batch size (exact zeros do not count)",
                "所有权重梯度同号的单元所占比例，随批大小变化（恰为零的不计）",
            ),
            signs(&document.one_signed_units),
        )
        .plot(
            Text::new(
                "The same in a real network: the second hidden layer of networks that have learned the digits for a while",
                "真实网络中的同一比例：在手写数字上训练一段时间后的第二隐层",
            ),
            signs(&document.real_network),
        )
        .heading("Why", "为什么")
        .paragraph("For one sample the gradients by the weights of a unit are", "对单个样本，一个单元的权重梯度为")
        .formula(
            "<mfrac><mrow><mi>∂</mi><mi>L</mi></mrow><mrow><mi>∂</mi><msub><mi>w</mi><mi>i</mi></msub></mrow></mfrac><mo>=</mo>\
             <mfrac><mrow><mi>∂</mi><mi>L</mi></mrow><mrow><mi>∂</mi><mi>z</mi></mrow></mfrac><mspace width=\"0.3em\"/>\
             <msub><mi>x</mi><mi>i</mi></msub>",
        )
        .paragraph(
            "All x<sub>i</sub> positive: all gradients have the sign of dL/dz. Sigmoid and relu outputs are such inputs for the \
             next layer. A mini-batch adds up samples with different signs of dL/dz, which helps relu at once and the sigmoid, \
             whose outputs hardly vary around ½, only slowly. Batch norm behind the linear layer ends it: its backward pass makes \
             the gradients of a unit sum to zero over the batch.",
            "若所有 x<sub>i</sub> 都为正，则所有梯度都与 dL/dz 同号。sigmoid 与 ReLU 的输出正是下一层这样的输入。小批量把 dL/dz 符号不同的样本加在一起，\
             对 ReLU 很快见效，对输出集中在 ½ 附近的 sigmoid 则见效很慢。线性层之后加批归一化可以根治：它的反向传播使每个单元的梯度在批内之和为零。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centre the inputs of the network; prefer activations with outputs around zero, or put batch norm between. With \
             batches the effect is milder than the picture of one sample suggests.",
            "对网络输入做零中心化；优先选择输出以零为中心的激活函数，或在中间加批归一化。使用小批量时，影响比单样本的示意图要轻。",
        )
}

/// Points of a path that are drawn, at most.
const DRAWN: usize = 200;

fn paths(document: &Document) -> Plot {
    let path = |paths: &Paths| points(&paths.path[..paths.path.len().min(DRAWN)], |pair| pair[0], |pair| pair[1]);
    Plot::new(Text::new("first weight", "第一个权重"), Text::new("second weight", "第二个权重"))
        .square()
        .with(
            Series::new(
                Text::new("positive inputs", "恒正输入"),
                path(&document.positive_inputs),
                Marks::LineAndPoints,
            )
            .coloured(1),
        )
        .with(
            Series::new(
                Text::new("centred inputs", "零中心输入"),
                path(&document.centred_inputs),
                Marks::LineAndPoints,
            )
            .coloured(0),
        )
        .with(
            Series::new(Text::new("straight line", "直线"), vec![(0.0, 0.0), TARGET.into()], Marks::Dashed).coloured(7),
        )
}

fn table(document: &Document) -> Table {
    let columns = vec![
        Text::new("Inputs", "输入"),
        Text::new("Steps with both weights the same way", "两权重同向的步数比例"),
        Text::new("Path / straight line", "路径 / 直线"),
        Text::new("Steps", "步数"),
    ];
    let mut table = Table::new(Text::new("Mean of all paths", "所有路径的平均"), columns);
    for (name, paths) in [
        (Text::new("positive, U(0, 1)", "恒正，U(0, 1)"), &document.positive_inputs),
        (Text::new("centred, U(−½, ½)", "零中心，U(−½, ½)"), &document.centred_inputs),
    ] {
        table.row(name, &[paths.same_sign_fraction, paths.length_over_straight_line, paths.mean_steps]);
    }
    table
}

fn signs(curves: &[SignCurve]) -> Plot {
    let plot = Plot::new(Text::new("batch", "批大小"), Text::new("share of units", "单元比例"));
    let plot = plot.scales(Scale::Logarithmic, Scale::Linear).y_range(0.0, 1.05);
    curves.iter().fold(plot, |plot, curve| {
        let shares = points(&curve.points, |point| point.batch as f64, |point| point.one_signed_fraction);
        let chinese = curve.inputs.replace(", batch norm behind", "，其后有批归一化");
        plot.with(Series::new(Text::new(curve.inputs, chinese), shares, Marks::LineAndPoints))
    })
}
