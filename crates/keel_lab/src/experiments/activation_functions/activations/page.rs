//! Page of the activation functions.

use keel_page::Text;
use keel_page::charts::{Gate, Marks, Plot, Scale, Series, number};
use keel_page::page::{Page, Part, Table, cell, mathml};
use maud::html;

use super::{ActivationFigures, Curve, Document};

/// Functions drawn together.
const GROUPS: [(&str, &str, &[&str]); 3] = [
    ("S-shaped: flat at both ends", "S 形：两端平坦", &["sigmoid", "tanh"]),
    ("Straight above 0", "正半轴为直线", &["relu", "leaky_relu", "prelu", "elu", "selu"]),
    ("Smooth relatives of relu", "ReLU 的光滑变体", &["gelu", "silu", "softplus", "mish", "hard_swish"]),
];

/// Functions drawn as gates, each at three inputs.
const GATES: [(&str, [f64; 3]); 3] =
    [("sigmoid", [-10.0, 0.0, 10.0]), ("tanh", [-3.0, 0.0, 3.0]), ("relu", [-3.0, 3.0, 10.0])];

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let all = &document.activations;
    let mut page = Page::new()
        .heading("A gate for the gradient", "激活函数是梯度的门")
        .paragraph(
            "In a network a function is a gate. Forward, a value goes in and another comes out. Backward, the gradient of the loss \
             arrives at its output, is multiplied by the derivative at the value that went in, the <i>local gradient</i>, and leaves \
             at its input. Where the local gradient is nearly 0, nothing leaves: what lies before the gate learns nothing from \
             this sample.",
            "在网络中，函数就像一扇门。前向时，一个值进去，另一个值出来。反向时，损失的梯度从输出端传来，乘以函数在当时输入处的导数（即<i>局部梯度</i>），再从输入端传出。\
             局部梯度接近 0 的地方什么也传不出去：门前的各层从这个样本学不到任何东西。",
        )
        .formula(html! {
            mfrac { mrow { mi { "∂" } mi { "L" } } mrow { mi { "∂" } mi { "x" } } } mo { "=" } mi { "f" }
            mo { "′" } mo { "(" } mi { "x" } mo { ")" } mspace width="0.3em" {}
            mfrac { mrow { mi { "∂" } mi { "L" } } mrow { mi { "∂" } mi { "y" } } }
        });
    for (name, inputs) in GATES {
        let Some(figures) = all.iter().find(|one| one.activation == name) else { continue };
        let caption = Text::new(
            format!("{name}: forward (blue) and backward (red), for a gradient of 1 that arrives"),
            format!("{name}：前向（蓝）与反向（红），设传来的梯度为 1"),
        );
        page = page.side_by_side(caption, inputs.map(|x| gate(figures, x)).into());
    }
    page = page
        .plot(
            Text::new(
                "Share of the gradient that remains after a row of gates, all with the same input",
                "梯度连续穿过若干扇门之后还剩多少（每扇门的输入相同）",
            ),
            chains(document),
        )
        .heading("Every function and its derivative", "各个函数及其导数");
    for (english, chinese, names) in GROUPS {
        let parts = [
            (curves("f(x)", all, names, |curve| &curve.value), Text::new("function", "函数")),
            (curves("f′(x)", all, names, |curve| &curve.derivative), Text::new("derivative", "导数")),
        ];
        let parts = parts.map(|(plot, drawn)| Part::new(drawn, plot.x_range(-document.reach, document.reach)));
        page = page.side_by_side(Text::new(english, chinese), parts.into());
    }
    page.table(table(document))
        .heading("Why", "为什么")
        .paragraph(
            "The sigmoid maps every input into (0, 1) and can be read as a degree of firing, but its derivative is at most ¼, \
             and 0.0000454 at ±10: a chain of sigmoids multiplies such numbers. Its outputs are all positive, so all weights \
             of a unit after it get gradients of one sign (see [[zigzag]]). Tanh is a stretched sigmoid,",
            "sigmoid 把任意输入压到 (0, 1)，可理解为“激活程度”；但它的导数最大只有 ¼，在 ±10 处只有 0.0000454，层层相乘就更小。它的输出恒为正，\
             使后一层同一单元的所有权重梯度同号（见 [[zigzag]]）。tanh 是拉伸后的 sigmoid：",
        )
        .formula(mathml("tanh(x) = 2σ(2x) - 1"))
        .paragraph(
            "centred at zero, but also flat at both ends. Relu passes gradient 1 for every positive input and costs almost \
             nothing. For negative inputs it passes none: a unit that is negative for every sample is dead (see [[dead_relu]]).",
            "它以零为中心，但两端同样平坦。ReLU 对正输入的梯度恒为 1，计算代价几乎为零；对负输入梯度为零：若某单元对所有样本都为负，它就“死”了（见 [[dead_relu]]）。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Use relu and watch the learning rate; try leaky relu, elu, selu or gelu for the last bit; tanh where \
             outputs must be \
             bounded and centred; the sigmoid for the output of a yes-or-no question, not inside the network.",
            "首选 ReLU，并注意学习率；想再进一步可试 Leaky ReLU、ELU、SELU、GELU；需要有界且零中心的输出时用 tanh；sigmoid 只用于二分类的输出，不要放在网络内部。",
        )
}

/// Draws a function at one of its readings.
fn gate(figures: &ActivationFigures, x: f64) -> Part {
    let at = figures.at_input(x);
    let gate = Gate {
        function: figures.activation.into(),
        input: at.x,
        output: at.value,
        local: at.derivative,
        upstream: 1.0,
    };
    Part::new(format!("x = {}", number(x)).as_str(), gate)
}

fn chains(document: &Document) -> Plot {
    let plot = Plot::new(Text::new("gates", "门的个数"), Text::new("share of the gradient", "剩余梯度的比例"));
    document.chains.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, chain| {
        let (x, derivative) = (number(chain.x), number(chain.derivative));
        let name = format!("{}, x = {x}: f′ = {derivative}", chain.activation);
        let curve = chain.remaining.iter().enumerate().map(|(gates, &share)| (gates as f64, share)).collect();
        plot.with(Series::new(name.as_str(), curve, Marks::LineAndPoints))
    })
}

/// Draws one curve for each of the named functions.
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
            // The means of odd functions are 0 up to rounding.
            cell((one.standard_normal_input.mean * 1e6).round() / 1e6 + 0.0),
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

/// Describes the zones; those that reach the end of the searched interval are unbounded.
fn zones(zones: &[[f64; 2]]) -> String {
    let zone = |&[low, high]: &[f64; 2]| match (low <= -19.99, high >= 19.99) {
        (true, _) => format!("x &lt; {}", number((high * 100.0).round() / 100.0)),
        (_, true) => format!("x &gt; {}", number((low * 100.0).round() / 100.0)),
        _ => format!("{} … {}", number(low), number(high)),
    };
    let all: Vec<String> = zones.iter().map(zone).collect();
    if all.is_empty() { "–".to_owned() } else { all.join(", ") }
}
