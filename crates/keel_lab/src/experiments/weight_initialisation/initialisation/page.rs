//! Page of the initialisation experiment.

use keel_page::Text;
use keel_page::charts::{Histograms, Marks, Plot, Point, Scale, Series, Sheet, SheetCell, SheetRow, number, points};
use keel_page::page::{Page, Table, cell};
use maud::html;

use super::Document;
use super::layers::Layer;
use super::lecture::{LectureSetting, Setting};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let page = lecture(Page::new(), document);
    let page = why(page);
    let page = own(page, document);
    take_away(page, &document.lecture)
}

fn lecture(page: Page, document: &Document) -> Page {
    let Document { width, depth, batch, lecture, .. } = document;
    page.heading("What you see", "现象")
        .paragraph(
            format!(
                "{batch} standard normal samples go through {depth} equal layers of {width} units without biases, before any \
                 training. The lecture shows five pairs of activation and initial weights; here they are one below the other, \
                 from the same random draws, so that only the scale of the weights and the activation differ. A panel is a \
                 layer: the distribution of its outputs, its standard deviation, the number printed on the slide (4,096 \
                 units), and what theory predicts for infinitely wide layers."
            ),
            format!(
                "{batch} 个标准正态样本依次通过 {depth} 个相同的无偏置层，每层 {width} 个单元，尚未训练。课程给出了五组激活函数与初始权重；这里把它们上下并排，\
                 使用同一组随机数，差别只在权重的尺度与激活函数。每个小图是一层：输出的分布、标准差、课件上印的数值（4096 个单元），以及无限宽层的理论值。"
            ),
        )
        .sheet(
            Text::new(
                "Outputs of every layer in the lecture's five settings. All panels of a row share their axis; each is scaled to its tallest bar",
                "课程五种设置下各层输出的分布。同一行横轴相同，纵向各自按最高的柱缩放",
            ),
            Sheet::new(lecture.iter().enumerate().map(|(index, setting)| sheet_row(index, setting)).collect()),
        )
        .plot(
            Text::new(
                "Forward: standard deviation of the outputs by layer; dashed, theory",
                "前向：各层输出的标准差；虚线为理论值",
            ),
            forward(lecture),
        )
        .plot(
            Text::new(
                "Backward: root mean square of dL/dh by layer, when the gradient with respect to the last output is standard normal. Read it from right to left",
                "反向：末层输出的梯度取标准正态时，各层 dL/dh 的均方根。从右往左读",
            ),
            backward(lecture, "dL/dh", |layer| layer.gradient.activation_rms),
        )
        .plot(
            Text::new(
                "Root mean square of the weight gradients dL/dW by layer",
                "各层权重梯度 dL/dW 的均方根",
            ),
            backward(lecture, "dL/dW", |layer| layer.gradient.weight_rms),
        )
        .table(verdicts(lecture))
}

fn why(page: Page) -> Page {
    page
        .heading("Why", "为什么")
        .paragraph(
            "A pre-activation is a sum of n products of independent numbers, so its variance is",
            "预激活值是 n 个独立乘积之和，其方差为",
        )
        .formula(html! {
            mi { "Var" } mo { "(" } msub { mi { "z" } mi { "l" } } mo { ")" } mo { "=" } mi { "n" }
            mspace width="0.2em" {} mi { "Var" } mo { "(" } mi { "w" } mo { ")" } mspace width="0.2em" {}
            mi { "E" } mo { "[" }
            msubsup { mi { "h" } mrow { mi { "l" } mo { "\u{2212}" } mn { "1" } } mn { "2" } } mo { "]" }
        })
        .paragraph(
            "Everything is decided by n·Var(w). Below 1 a tanh network shrinks its signal layer after layer, above it the \
             outputs pile up at ±1. Xavier chooses n·Var(w) = 1; the signal still decays slowly, like 1/√l, because tanh is \
             flatter than a straight line. Relu sets half of the second moment to zero, E[h²] = ½·Var(z), so it needs \
             n·Var(w) = 2: Kaiming.",
            "一切取决于 n·Var(w)。小于 1 时，tanh 网络的信号逐层缩小；大于 1 时，输出堆到 ±1。Xavier 取 n·Var(w) = 1；信号仍会像 1/√l \
             那样缓慢衰减，因为 tanh 比直线平缓。ReLU 把一半的二阶矩变为零，E[h²] = ½·Var(z)，所以需要 n·Var(w) = 2，这就是 Kaiming。",
        )
        .paragraph(
            "The verdicts follow the trend. A signal that loses more than a fifth in every layer is <i>shrinking</i>, however \
             much of it is left after six; below a tenth of where it started it is <i>too small</i>. One that keeps its size \
             is <i>in range</i>, unless more than a quarter of the outputs lie where the activation is flat: <i>saturated</i>. \
             The gradient is judged alike on its way from the last layer to the first. The two need not agree: a sigmoid \
             with Xavier's weights keeps its signal and loses its gradient.",
            "判断依据是趋势：每层损失超过五分之一的信号是<i>逐层缩小</i>，无论六层之后还剩多少；不到起点的十分之一则为<i>过小</i>。能保持大小的信号为<i>正常</i>，\
             除非有超过四分之一的输出落在激活函数的平坦区：<i>饱和</i>。梯度从末层传回首层，用同样的标准判断。两者未必一致：sigmoid 配 Xavier 权重时信号保持不变，梯度却逐层消失。",
        )
}

/// Renders the setting given by the knobs, in detail.
fn own(page: Page, document: &Document) -> Page {
    let Document { layers, activation, .. } = document;
    let (name, scaled) = (own_name(document), document.init.std.map(|std| document.width as f64 * std * std));
    let decisive = |words: &str| scaled.map_or(String::new(), |scaled| format!("{words}{}", number(scaled)));
    page.heading("One setting in detail", "细看一种设置")
        .paragraph(
            format!(
                "The setting of this run's knobs: {activation} with {name}{}. Any other activation, initialiser, width and depth can be set.",
                decisive(", n·Var(w) = ")
            ),
            format!("本次运行的设置：{activation}，{name}{}。激活函数、初始化方法、宽度与深度都可以另设。", decisive("，n·Var(w) = ")),
        )
        .histograms(
            Text::new("Outputs of the layers, with mean and standard deviation", "各层输出的分布，附均值与标准差"),
            histograms(layers),
        )
        .table(numbers(layers))
}

fn take_away(page: Page, lecture: &[LectureSetting]) -> Page {
    let factor = |setting: Setting| {
        let found = lecture.iter().find(|one| one.setting == setting);
        number(found.map_or(f64::NAN, |one| one.gradient_factor))
    };
    let (small, large) = (factor(Setting::TanhSmall), factor(Setting::TanhLarge));
    page.heading("What to take away", "要点")
        .paragraph(
            format!(
                "Xavier for tanh, Kaiming for relu. Two things are easily said too strongly. Weights that are too small do not make \
                 the weight gradients of deep layers vanish one by one: the signal shrinks on its way forward and the gradient on \
                 its way back (here ×{small} per layer), and their product is the same small number in every layer; depth makes it \
                 fatal. Weights that are too large leave tanh a small local derivative, not none, and the whole gradient grows on \
                 its way back (here ×{large} per layer) instead of dying."
            ),
            format!(
                "tanh 用 Xavier，ReLU 用 Kaiming。有两点常被夸大。权重过小时，并不是越深的层权重梯度越小：信号在前向中缩小，梯度在反向中缩小（这里每层 ×{small}），\
                 两者的乘积在每一层都是同一个小数；网络越深，影响越严重。权重过大时，tanh 的局部导数很小但不为零，总梯度在反向传播中反而增大（这里每层 ×{large}），而不是消失。"
            ),
        )
        .paragraph(
            "The zeros of relu are half of all outputs with any of these initialisers. They are sparsity, not a defect.",
            "无论用哪种初始化，ReLU 的输出都有一半是零。这是稀疏性，不是缺陷。",
        )
}

impl Setting {
    /// Returns the displayed name.
    pub(crate) fn title(self) -> Text {
        match self {
            Setting::TanhSmall => Text::same("tanh, 0.01 · randn"),
            Setting::TanhLarge => Text::same("tanh, 0.05 · randn"),
            Setting::TanhXavier => Text::same("tanh, Xavier"),
            Setting::ReluXavier => Text::same("relu, Xavier"),
            Setting::ReluKaiming => Text::same("relu, Kaiming"),
        }
    }

    /// Returns the lesson of the setting.
    fn remark(self) -> Text {
        match self {
            Setting::TanhSmall => Text::new("the signal dies out", "信号逐层消失"),
            Setting::TanhLarge => Text::new("the outputs pile up at ±1", "输出堆积在 ±1"),
            Setting::TanhXavier => Text::new("the width is kept, nearly", "宽度基本保持"),
            Setting::ReluXavier => {
                Text::new("shrinks by a factor of 1/√2 in every layer", "每经过一层缩小为原来的 1/√2")
            }
            Setting::ReluKaiming => Text::new("the width is kept", "宽度保持不变"),
        }
    }
}

/// Returns the name of this run's initialiser.
fn own_name(document: &Document) -> String {
    let init = &document.init;
    let value = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {}", number(value)));
    let details = [value("std", init.std), value("value", init.value), value("gain", init.gain)];
    let details: Vec<String> = details.into_iter().flatten().collect();
    if details.is_empty() { init.kind.to_owned() } else { format!("{} ({})", init.kind, details.join(", ")) }
}

fn sheet_row(index: usize, setting: &LectureSetting) -> SheetRow {
    let (scaled, remark) = (number(setting.scaled_variance), setting.setting.remark());
    let ends = setting.layers.first().map(|layer| &layer.activation.histogram.edges);
    let end = |edge: Option<&f64>| number(edge.copied().unwrap_or(0.0));
    let (low, high) = ends.map_or(Default::default(), |edges| (end(edges.first()), end(edges.last())));
    let note = |remark: &str, axis: &str| format!("{remark} · n·Var(w) = {scaled} · {axis} {low} … {high}");
    use keel_page::Language::{Chinese, English};
    SheetRow {
        name: setting.setting.title(),
        note: Text::new(note(remark.get(English), "axis"), note(remark.get(Chinese), "横轴")),
        colour: index,
        cells: setting.layers.iter().take(24).map(|layer| sheet_cell(layer, setting)).collect(),
    }
}

fn sheet_cell(layer: &Layer, setting: &LectureSetting) -> SheetCell {
    let outputs = &layer.activation;
    let index = layer.layer;
    let (mean, std) = (signed(outputs.mean), short(outputs.std));
    let share = |share: f64| format!("{:.0} %", 100.0 * share);
    let (zero, flat) = (share(outputs.near_zero_fraction), share(outputs.saturated_fraction));
    let slide = setting.slide_std.get(index - 1).map_or("–".to_owned(), |slide| format!("{slide:.2}"));
    let theory = layer.theory.map_or("–".to_owned(), |theory| short(theory.std));
    let mut lines = vec![
        (Text::new("std", "标准差"), std.clone()),
        (Text::new("slide", "课件"), slide),
        (Text::new("theory", "理论"), theory),
    ];
    // The means of tanh are 0 and are not listed.
    if let Some(printed) = setting.slide_mean.as_ref().and_then(|means| means.get(index - 1)) {
        let theory = layer.theory.map_or("–".to_owned(), |theory| short(theory.mean));
        lines.push((Text::new("mean", "均值"), short(outputs.mean)));
        lines.push((Text::new("slide", "课件"), format!("{printed:.2}")));
        lines.push((Text::new("theory", "理论"), theory));
    }
    SheetCell {
        title: Text::new(format!("Layer {index}"), format!("第 {index} 层")),
        description: Text::new(
            format!(
                "Histogram of the outputs of layer {index}: mean {mean}, standard deviation {std}, {zero} nearer to 0 than 0.05, {flat} in a flat zone"
            ),
            format!(
                "第 {index} 层输出的直方图：均值 {mean}，标准差 {std}，{zero} 与 0 的距离小于 0.05，{flat} 在平坦区"
            ),
        ),
        histogram: outputs.histogram.clone(),
        lines,
    }
}

fn histograms(layers: &[Layer]) -> Histograms {
    layers.iter().take(24).fold(Histograms::new(), |panels, layer| {
        let outputs = &layer.activation;
        let (index, mean, std) = (layer.layer, signed(outputs.mean), short(outputs.std));
        let title = Text::new(
            format!("Layer {index}: mean {mean} std {std}"),
            format!("第 {index} 层：均值 {mean} 标准差 {std}"),
        );
        panels.with(title, outputs.histogram.clone())
    })
}

/// Formats two decimals, without a sign before zero.
pub(crate) fn signed(value: f64) -> String {
    format!("{value:.2}").replace("-0.00", "0.00").replace('-', "\u{2212}")
}

/// Formats three decimals, so that titles of panels stay short; a number that would round to 0 keeps its power of ten.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.3}").replace('-', "\u{2212}");
    if value.abs() >= 1000.0 || (value != 0.0 && value.abs() < 1e-3) { number(value) } else { text }
}

/// Returns one number of each layer as points.
pub(crate) fn by_layer(layers: &[Layer], number: impl Fn(&Layer) -> Option<f64>) -> Vec<Point> {
    points(layers, |layer| layer.layer as f64, number)
}

fn forward(lecture: &[LectureSetting]) -> Plot {
    let plot = Plot::new(Text::new("layer", "层"), Text::new("standard deviation", "标准差"));
    lecture.iter().enumerate().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, (colour, setting)| {
        let (name, theory) = (setting.setting.title(), Text::new("theory", "理论"));
        let of = |text: &Text, language| format!("{}, {}", setting.setting.title().get(language), text.get(language));
        use keel_page::Language::{Chinese, English};
        let theory = Text::new(of(&theory, English), of(&theory, Chinese));
        let measured = by_layer(&setting.layers, |layer| Some(layer.activation.std));
        let predicted = by_layer(&setting.layers, |layer| layer.theory.map(|theory| theory.std));
        plot.with(Series::new(name, measured, Marks::LineAndPoints).coloured(colour))
            .with(Series::new(theory, predicted, Marks::Dashed).coloured(colour))
    })
}

fn backward(lecture: &[LectureSetting], quantity: &str, size: fn(&Layer) -> f64) -> Plot {
    let title = Text::new(format!("root mean square of {quantity}"), format!("{quantity} 的均方根"));
    let plot = Plot::new(Text::new("layer", "层"), title).scales(Scale::Linear, Scale::Logarithmic);
    lecture.iter().enumerate().fold(plot, |plot, (colour, setting)| {
        let curve = by_layer(&setting.layers, |layer| Some(size(layer)));
        plot.with(Series::new(setting.setting.title(), curve, Marks::LineAndPoints).coloured(colour))
    })
}

/// Returns a table of the lecture's settings with the verdicts on their layers.
fn verdicts(lecture: &[LectureSetting]) -> Table {
    let columns = [
        ("Setting", "设置"),
        ("n·Var(w)", "n·Var(w)"),
        ("Signal, layer by layer", "信号，逐层判断"),
        ("dL/dh per layer back", "反向每层 dL/dh 的倍数"),
        ("Gradient at layer 1", "第 1 层的梯度"),
        ("dL/dW, layer 1", "dL/dW，第 1 层"),
        ("last layer", "末层"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new(
        "Verdicts on the signal from layer to layer and on the gradient that reaches the first",
        "对逐层信号的判断，以及对传到第 1 层的梯度的判断",
    );
    let mut table = Table::new(caption, columns);
    for setting in lecture {
        let (Some(first), Some(last)) = (setting.layers.first(), setting.layers.last()) else { continue };
        table.text_row(vec![
            setting.setting.title(),
            cell(setting.scaled_variance),
            runs(&setting.layers),
            Text::same(format!("×{}", number(setting.gradient_factor))),
            first.gradient.verdict.title(),
            cell(first.gradient.weight_rms),
            cell(last.gradient.weight_rms),
        ]);
    }
    table
}

/// Describes the verdicts of layers, merging adjacent equal ones: "1 in range, 2–5 shrinking, 6 too small".
fn runs(layers: &[Layer]) -> Text {
    use keel_page::Language::{Chinese, English};
    let (mut english, mut chinese) = (Vec::new(), Vec::new());
    for run in layers.chunk_by(|a, b| a.verdict == b.verdict) {
        let [first, .., last] = run else {
            let title = run[0].verdict.title();
            english.push(format!("{} {}", run[0].layer, title.get(English)));
            chinese.push(format!("{} {}", run[0].layer, title.get(Chinese)));
            continue;
        };
        let title = first.verdict.title();
        english.push(format!("{}–{} {}", first.layer, last.layer, title.get(English)));
        chinese.push(format!("{}–{} {}", first.layer, last.layer, title.get(Chinese)));
    }
    Text::new(english.join(", "), chinese.join("，"))
}

/// Returns a table of every number of every layer.
pub(crate) fn numbers(layers: &[Layer]) -> Table {
    let columns = [
        ("Layer", "层"),
        ("Mean", "均值"),
        ("Std", "标准差"),
        ("Theory", "理论"),
        ("Zero", "为零"),
        ("|h| &lt; 0.05", "|h| &lt; 0.05"),
        ("Saturated", "饱和"),
        ("Mean f′", "平均 f′"),
        ("dL/dh", "dL/dh"),
        ("dL/dW", "dL/dW"),
        ("Signal", "信号"),
        ("Gradient", "梯度"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let mut table = Table::new(
        Text::new(
            "Every layer of this run's setting. Theory: standard deviation at infinite width",
            "本次设置的逐层数值。理论：宽度无限时的标准差",
        ),
        columns,
    );
    for Layer { layer, activation, gradient, verdict, theory, .. } in layers {
        table.text_row(vec![
            Text::same(layer.to_string()),
            cell(activation.mean),
            cell(activation.std),
            cell(theory.map(|theory| theory.std)),
            cell(activation.zero_fraction),
            cell(activation.near_zero_fraction),
            cell(activation.saturated_fraction),
            cell(activation.mean_derivative),
            cell(gradient.activation_rms),
            cell(gradient.weight_rms),
            verdict.title(),
            gradient.verdict.title(),
        ]);
    }
    table
}
