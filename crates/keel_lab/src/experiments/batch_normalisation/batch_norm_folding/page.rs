//! Page on folding batch norm.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Series, number, points};
use keel_page::page::{Page, Table, cell, mathml};

use super::{Document, Map};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "Two networks learned the digits with batch norm. Then batch norm was taken out and its numbers put into the weights and \
             biases of the layer before it, once by the formula below and once by the engine, which does it whenever it predicts. \
             Every score of the test set is compared with that of the network with batch norm.",
            "两个带批量归一化的网络学完手写数字后，去掉批量归一化，将它的数值并入前一层的权重与偏置：一次按下面的公式，一次由引擎完成（引擎每次预测都这样做）。\
             测试集上的每个得分都与带批量归一化的网络对比。",
        )
        .table(networks(document))
        .plot(
            Text::new(
                "First batch norm of the linear network: the line that each channel's batch norm is at inference, from pre-activation to output",
                "线性网络的第一个批量归一化：推理时每个通道的批量归一化就是一条从预激活值到输出的直线",
            ),
            lines(document),
        )
        .table(channels(document))
        .heading("Why", "为什么")
        .paragraph(
            "In training mean and variance depend on the batch. At inference they are fixed numbers, and with them batch norm is a straight \
             line for each channel:",
            "训练时均值与方差随批变化。推理时它们是固定的数，于是批量归一化对每个通道只是一条直线：",
        )
        .formula(mathml("γ \\frac{z - μ}{\\sqrt{σ^2 + ε}} + β = \\frac{γ}{\\sqrt{σ^2 + ε}} z + (β - \\frac{γ μ}{\\sqrt{σ^2 + ε}})"))
        .paragraph(
            "A straight line after a linear map z = W x + b is again a linear map:",
            "线性映射 z = W x + b 之后再接一条直线，仍是线性映射：",
        )
        .formula(mathml("W′ = \\frac{γ}{\\sqrt{σ^2 + ε}} W \\quad b′ = β + \\frac{γ}{\\sqrt{σ^2 + ε}} (b - μ)"))
        .paragraph(
            "A convolution is the same map at every position, so each of its output channels takes one factor and one bias. What \
             remains of the difference is rounding: the products are taken in another order.",
            "卷积在每个位置上是同一个映射，所以每个输出通道只有一个系数与一个偏置。剩下的差异是舍入误差：乘法的次序变了。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "At test time batch norm costs nothing. It can be folded only directly after the map: after the activation \
             there is no layer to fold it into. And it must be the running statistics that are folded; with those of the test batch \
             there is no fixed line.",
            "测试时批量归一化没有任何开销。只有紧跟在线性映射或卷积之后才能折叠：放在激活之后，前面就没有可折叠进去的层。而且折叠的必须是滑动平均统计量；用测试批次自身的统计量时，不存在固定的直线。",
        )
}

fn networks(document: &Document) -> Table {
    let columns = [
        ("Network", "网络"),
        ("Test accuracy", "测试准确率"),
        ("Largest score", "最大得分"),
        ("Numbers before", "折叠前的数值个数"),
        ("after", "折叠后"),
        ("Largest difference, formula", "最大差异，按公式"),
        ("engine", "引擎"),
        ("Same answers", "答案相同的比例"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new("The whole test set, with batch norm and folded", "整个测试集，折叠前后对比");
    let mut table = Table::new(caption, columns);
    for network in &document.networks {
        let name = match network.network {
            Map::Linear => Text::new("linear – batch norm – relu", "线性 – 批量归一化 – ReLU"),
            Map::Convolution => Text::new("convolution – batch norm – relu", "卷积 – 批量归一化 – ReLU"),
        };
        table.text_row(vec![
            name,
            cell(network.test_accuracy),
            cell(network.largest_score),
            cell(network.numbers_before as f64),
            cell(network.numbers_after as f64),
            cell(network.formula.largest),
            cell(network.engine.largest),
            cell(network.formula.same_answers.min(network.engine.same_answers)),
        ]);
    }
    table
}

/// Plots from two deviations below the mean to two above.
fn lines(document: &Document) -> Plot {
    let plot = Plot::new(Text::new("pre-activation z", "预激活值 z"), Text::new("output", "输出"));
    document.first_channels.iter().enumerate().fold(plot, |plot, (index, channel)| {
        let line =
            points(&[-2.0, 0.0, 2.0], |z| channel.mean + z * channel.deviation, |z| channel.beta + z * channel.gamma);
        let name = number((index + 1) as f64);
        let name = Text::new(format!("channel {name}"), format!("通道 {name}"));
        plot.with(Series::new(name, line, Marks::Line).coloured(index))
    })
}

fn channels(document: &Document) -> Table {
    let columns = [
        ("Channel", "通道"),
        ("γ", "γ"),
        ("β", "β"),
        ("μ", "μ"),
        ("√(σ² + ε)", "√(σ² + ε)"),
        ("factor of the weights", "权重的系数"),
        ("new bias", "新偏置"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new(
        "What training made of γ and β (they begin at 1 and 0), and what the layer before becomes",
        "训练得到的 γ 与 β（初值为 1 与 0），以及前一层的变化",
    );
    let mut table = Table::new(caption, columns);
    for (index, channel) in document.first_channels.iter().enumerate() {
        let numbers = [channel.gamma, channel.beta, channel.mean, channel.deviation, channel.factor, channel.bias];
        table.row(number((index + 1) as f64).as_str(), &numbers);
    }
    table
}
