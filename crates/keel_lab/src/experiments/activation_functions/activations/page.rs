//! The page of the activation functions.

use super::{ActivationFigures, Curve, Document};
use crate::charts::{Marks, Plot, Series, number};
use crate::language::Text;
use crate::page::{Page, Table, cell};

/// Functions drawn together.
const GROUPS: [(&str, &str, &[&str]); 3] = [
    ("S-shaped: flat at both ends", "S 形：两端平坦", &["sigmoid", "tanh"]),
    ("Straight above 0", "正半轴为直线", &["relu", "leaky_relu", "prelu", "elu", "selu"]),
    ("Smooth relatives of relu", "ReLU 的光滑变体", &["gelu", "silu", "softplus", "mish", "hard_swish"]),
];

/// The page for one document.
pub(super) fn page(document: &Document) -> Page {
    let all = &document.activations;
    let mut page = Page::new().heading("What you see", "你看到了什么").paragraph(
        "Each function is drawn with its derivative. During backpropagation the gradient that arrives is multiplied by the \
         derivative: where it is nearly 0 the unit learns nothing from this sample.",
        "每个函数与它的导数画在一起。反向传播时，传来的梯度要乘以这个导数；导数接近 0 的地方，该单元从这个样本学不到任何东西。",
    );
    for (english, chinese, names) in GROUPS {
        let plots = [
            (curves("f(x)", all, names, |curve| &curve.value), ["function", "函数"]),
            (curves("f′(x)", all, names, |curve| &curve.derivative), ["derivative", "导数"]),
        ];
        for (plot, drawn) in plots {
            let caption = Text::new(format!("{english}: {}", drawn[0]), format!("{chinese}：{}", drawn[1]));
            page = page.plot(caption, plot.x_range(-document.reach, document.reach));
        }
    }
    page.table(table(document))
        .heading("Why", "为什么")
        .paragraph(
            "The sigmoid maps every input into (0, 1) and can be read as a degree of firing, but its derivative is at most ¼, \
             and 0.0000454 at ±10: a chain of sigmoids multiplies such numbers. Its outputs are all positive, so all weights \
             of a unit behind it get gradients of one sign (see <i>zigzag</i>). Tanh is a stretched sigmoid,",
            "sigmoid 把任意输入压到 (0, 1)，可理解为“激活程度”；但它的导数最大只有 ¼，在 ±10 处只有 0.0000454，层层相乘就更小。它的输出恒为正，\
             使后一层同一单元的所有权重梯度同号（见 <i>zigzag</i>）。tanh 是拉伸后的 sigmoid：",
        )
        .formula(
            "<mi>tanh</mi><mo>(</mo><mi>x</mi><mo>)</mo><mo>=</mo><mn>2</mn><mi>σ</mi><mo>(</mo><mn>2</mn><mi>x</mi><mo>)</mo>\
             <mo>\u{2212}</mo><mn>1</mn>",
        )
        .paragraph(
            "centred at zero, but flat at both ends all the same. Relu passes gradient 1 for every positive input and costs almost \
             nothing. For negative inputs it passes none: a unit that is negative for every sample is dead (see <i>dead_relu</i>).",
            "它以零为中心，但两端同样平坦。ReLU 对正输入的梯度恒为 1，计算几乎不花代价；对负输入梯度为零：若某单元对所有样本都为负，它就“死”了（见 <i>dead_relu</i>）。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Use relu and mind the learning rate; try leaky relu, elu, selu or gelu for the last bit; tanh where outputs must be \
             bounded and centred; the sigmoid for the output of a yes-or-no question, not inside the network.",
            "首选 ReLU，并注意学习率；想再进一步可试 Leaky ReLU、ELU、SELU、GELU；需要有界且零中心的输出时用 tanh；sigmoid 只用于二分类的输出，不要放在网络内部。",
        )
}

/// One curve for each of the named functions.
fn curves(y_title: &str, all: &[ActivationFigures], names: &[&str], values: fn(&Curve) -> &[f64]) -> Plot {
    let chosen = all.iter().filter(|one| names.contains(&one.activation));
    chosen.fold(Plot::new("x", y_title), |plot, one| {
        let points = one.curve.x.iter().copied().zip(values(&one.curve).iter().copied()).collect();
        plot.with(Series::new(one.activation, points, Marks::Line))
    })
}

fn table(document: &Document) -> Table {
    let at = number(document.x);
    let columns = vec![
        Text::new("Function", "函数"),
        Text::new("Mean out", "输出均值"),
        Text::new("Variance out", "输出方差"),
        Text::new("Largest f′", "最大 f′"),
        Text::same("f′(0)"),
        Text::same(format!("f′({at})")),
        Text::new("Flat zones", "平坦区"),
        Text::new("ns a value", "纳秒/值"),
    ];
    let caption = Text::new(
        "Outputs for a standard normal input; flat: derivative below 2 % of its largest; cost of value and derivative together",
        "标准正态输入下的输出；平坦：导数低于最大值的 2 %；代价为函数值与导数之和",
    );
    let mut table = Table::new(caption, columns);
    for one in &document.activations {
        table.text_row(vec![
            Text::same(one.activation),
            cell(one.standard_normal_input.mean),
            cell(one.standard_normal_input.variance),
            cell(one.largest_derivative),
            cell(one.at_zero().derivative),
            cell(one.at_chosen_input().derivative),
            Text::same(zones(&one.flat_zones)),
            cell(one.nanoseconds_per_value),
        ]);
    }
    table
}

/// The zones in words; those that reach the end of the searched stretch go on for ever.
fn zones(zones: &[[f64; 2]]) -> String {
    let zone = |&[low, high]: &[f64; 2]| match (low <= -19.99, high >= 19.99) {
        (true, _) => format!("x &lt; {}", number((high * 100.0).round() / 100.0)),
        (_, true) => format!("x &gt; {}", number((low * 100.0).round() / 100.0)),
        _ => format!("{} … {}", number(low), number(high)),
    };
    let all: Vec<String> = zones.iter().map(zone).collect();
    if all.is_empty() { "–".to_owned() } else { all.join(", ") }
}
