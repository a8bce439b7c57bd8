//! Page of the derivation of Kaiming's weights.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Scale, Series, number, points};
use keel_page::page::{Page, Table, cell, mathml};

use super::funnel::Fans;
use super::stacks::{LayerFigures, Profile, Scanned};
use super::{Comparison, Document, if_variance};

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let Document { depth, width, seeds, .. } = document;
    let wrong = number(document.if_variance.factor);
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "Relu networks of {depth} layers and {width} units with weights of variance g/n, {seeds} networks for each g. The \
                 signal survives only at g = 2. Xavier's g = 1 loses a factor √2 per layer. {wrong} is the g that a plausible \
                 mistake leads to (step 1): the signal explodes."
            ),
            format!(
                "{depth} 层、每层 {width} 个单元的 ReLU 网络，权重方差为 g/n，每个 g 取 {seeds} 个网络。只有 g = 2 时信号得以保持；Xavier 的 g = 1 时，每经过一层标准差就缩小为原来的 1/√2。\
                 {wrong} 是一个看似合理的错误（见第 1 步）推出的 g：信号会爆炸。"
            ),
        )
        .plot(
            Text::new(
                "Change of the signal's standard deviation from the first layer to the last, as a power of ten",
                "从首层到末层信号标准差的变化，以 10 的幂表示",
            ),
            scan(document),
        );
    let page = one_layer(page, document);
    let page = all_layers(page, document);
    let page = slide_numbers(page, document);
    let page = backward(page, document);
    take_away(leaky(page, document))
}

fn one_layer(page: Page, document: &Document) -> Page {
    page.heading("Step 1: one sum", "第 1 步：一个求和式")
        .paragraph(
            "A unit adds up n products of weight and input, y = Σ w x. The weights are independent of the inputs and \
             have mean 0, so every cross term E[w w′ x x′] vanishes. What remains of the input is its second moment, \
             not its variance. Nothing else is required of x: it need not be normal, need not have mean 0, and its \
             entries need not even be independent of each other. It is therefore no problem that after relu x is \
             neither normal nor centred.",
            "一个单元把 n 个权重与输入的乘积相加，y = Σ w x。权重与输入独立且均值为 0，所以交叉项 E[w w′ x x′] 全部消失。输入留下来的是二阶矩，而不是方差。\
             对 x 别无要求：不必服从正态，不必零均值，各分量之间甚至不必独立。这就回答了“ReLU 之后的 x 不再是正态、不再零均值”的担忧。",
        )
        .formula(mathml("Var(y_l) = n_l Var(w_l) E[x_l^2]"))
        .paragraph(
            "Here Xavier's argument replaces E[x²] by Var(x), which is the same for a centred input only.",
            "Xavier 的论证在这里用 Var(x) 代替 E[x²]，只有输入零均值时两者才相等。",
        )
        .heading("Step 2: half of an integral", "第 2 步：半个积分")
        .paragraph(
            "The input of a layer is the relu of the pre-activations before it, x = max(0, y). The weights before are symmetric about \
             0 and there is no bias, so y and −y are equally likely: the density p is even, and so is y²p(y). Relu keeps the right \
             half of that integral and drops the left:",
            "一层的输入是前一层预激活值经过 ReLU，x = max(0, y)。前一层权重关于 0 对称且无偏置，y 与 −y 同分布：密度 p 是偶函数，y²p(y) 也是。\
             ReLU 保留这个积分的右半边，丢掉左半边：",
        )
        .formula(mathml("E[max(0,y)^2] = ∫_0^∞ y^2 p(y) dy = \\frac{1}{2} ∫_{-∞}^∞ y^2 p(y) dy = \\frac{1}{2} Var(y)"))
        .plot(
            Text::new(
                "y²p(y) for a normal y of variance 1. The area under the whole curve is Var(y) = 1; relu keeps the right half",
                "方差为 1 的正态 y 的 y²p(y)。整条曲线下的面积是 Var(y) = 1；ReLU 保留右半边",
            ),
            half(),
        )
        .table(steps(document))
}

fn all_layers(page: Page, document: &Document) -> Page {
    let [two, one] = &document.first_layer[..] else { return page };
    let ratios = (number(two.first / one.first), number(two.last / one.last));
    page.heading("Step 3: the product over layers", "第 3 步：逐层连乘")
        .paragraph(
            "Both steps together carry the variance from one layer to the next, and all layers from the first to the last:",
            "前两步合起来给出相邻两层方差的关系，从首层到末层连乘：",
        )
        .formula(mathml("Var(y_l) = \\frac{1}{2} n_l Var(w_l) Var(y_{l-1})"))
        .formula(mathml("Var(y_L) = Var(y_1) ∏_{l=2}^L \\frac{1}{2} n_l Var(w_l)"))
        .paragraph(
            "A product of many equal factors explodes or vanishes unless each is 1:",
            "许多相同因子的连乘不是爆炸就是消失，除非每个因子都等于 1：",
        )
        .formula(mathml("\\frac{1}{2} n_l Var(w_l) = 1 \\quad ⇒ \\quad Var(w_l) = \\frac{2}{n_l}"))
        .plot(
            Text::new(
                "The product, layer by layer: variance of the pre-activations over that of the first layer. Dashed, (g/2) to the power of the layers passed",
                "逐层的连乘：预激活值的方差与首层之比。虚线为 g/2 的（所经层数）次幂",
            ),
            profiles(&document.profiles),
        )
        .paragraph(
            format!(
                "The first layer has no relu before it, so by the same argument its weights should have 1/n. With 2/n the \
                 variance is doubled once, at the start, and the factor stays what it is at any depth: the standard deviation is \
                 {} times as large in the first layer and {} times in the last (√2 = 1.414). A factor in one layer does not matter; \
                 one in every layer does.",
                ratios.0, ratios.1
            ),
            format!(
                "第一层之前没有 ReLU，按同样的论证其权重方差应为 1/n。取 2/n 只在起点把方差加倍一次，之后无论多深都保持这个倍数：标准差在首层是 {} 倍，在末层是 {} 倍（√2 = 1.414）。\
                 只在一层出现的因子无关紧要；每层都出现的因子才起决定作用。",
                ratios.0, ratios.1
            ),
        )
}

fn slide_numbers(page: Page, document: &Document) -> Page {
    let half = &document.half_integral;
    let (mean, std) = (number(half.mean_at_variance_2), number(half.std_at_variance_2));
    page.heading("The numbers on the slide: 0.5642 and 0.8256", "课件上的数：0.5642 与 0.8256")
        .paragraph(
            format!(
                "With 2/n in every layer and a standard normal input, Var(y) = 2 in the first layer, and therefore in \
                 all. Relu sets half of the values of a normal y of variance 2 to 0 and keeps half of the bell \
                 curve; its moments can be integrated directly: mean {mean}, standard deviation {std}, second moment \
                 {}. This is the input of the next layer.",
                number(half.second_moment_at_variance_2)
            ),
            format!(
                "每层都取 2/n、输入为标准正态时，首层 Var(y) = 2，于是每层都是 2。方差为 2 的正态 y 经过 ReLU 后，一半取值变为 0，另一半保持半个钟形；各阶矩可直接积分求得：\
                 均值 {mean}，标准差 {std}，二阶矩 {}，这正是下一层的输入。",
                number(half.second_moment_at_variance_2)
            ),
        )
        .formula(mathml("E[x] = \\sqrt{\\frac{Var(y)}{2π}} = \\sqrt{\\frac{1}{π}} = 0.5642"))
        .formula(mathml("\\sqrt{Var(x)} = \\sqrt{\\frac{1}{2} Var(y) - E[x]^2} = \\sqrt{1 - \\frac{1}{π}} = 0.8256"))
        .plot(
            Text::new(
                "Mean and standard deviation of the outputs by layer with g = 2; dashed, the two numbers",
                "g = 2 时各层输出的均值与标准差；虚线为这两个数",
            ),
            layers(document),
        )
        .paragraph(
            "The slide prints 0.81 for the last layers: the result of one random draw. Single networks deviate, narrow ones more; \
             the table shows how far.",
            "课件在后几层印的是 0.81：那只是一次随机抽样的结果。单个网络会有偏离，网络越窄偏离越大；表中给出偏离的幅度。",
        )
        .table(layer_table(&document.layers))
}

fn backward(page: Page, document: &Document) -> Page {
    page.heading("The backward pass: fan-out", "反向：输出数")
        .paragraph(
            "The gradient of an input is a sum over the n̂ units it feeds, and relu lets half of the gradients through, \
             independently of their size. So the factor ½ appears again, with the number of outputs instead of the inputs:",
            "输入的梯度是所连接的 n̂ 个单元的梯度之和，而 ReLU 只让一半的梯度通过，与其大小无关。于是 ½ 再次出现，只是输入数换成了输出数：",
        )
        .formula(mathml("Var(Δx_l) = \\frac{1}{2} \\hat{n}_l Var(w_l) Var(Δx_{l+1})"))
        .paragraph(
            format!(
                "The backward pass requires 2/n̂. Both conditions cannot be met where n and n̂ differ, and need not \
                 be: with 2/n in every layer the backward product is Π n̂/n, and as the outputs of a layer are the \
                 inputs of the next, everything cancels but the first and the last width. Here a network of {} units \
                 narrows from layer to layer, the hardest case: either choice leaves one direction untouched and \
                 costs the other one fixed factor, which does not grow with depth.",
                document.funnel.widths.map(|width| width.to_string()).join(" – ")
            ),
            format!(
                "反向要求 2/n̂。n 与 n̂ 不等时两个要求无法同时满足，但也不必：每层取 2/n 时，反向的连乘是 Π n̂/n，而一层的输出数就是下一层的输入数，\
                 中间全部约掉，只剩首尾两个宽度之比。这里的网络逐层变窄（{}），是最不利的情形：两种取法都使一个方向保持不变，另一个方向只差一个固定倍数，不随深度增长。",
                document.funnel.widths.map(|width| width.to_string()).join(" – ")
            ),
        )
        .table(funnel(document))
}

fn leaky(page: Page, document: &Document) -> Page {
    page.heading("Leaky relu", "Leaky ReLU")
        .paragraph(
            "A leaky relu of slope a keeps the right half of the integral and a² of the left half, so the ½ becomes (1 + a²)/2:",
            "斜率为 a 的 Leaky ReLU 保留积分的右半边，以及左半边的 a² 倍，所以 ½ 变为 (1 + a²)/2：",
        )
        .formula(mathml("Var(w_l) = \\frac{2}{(1 + a^2) n_l}"))
        .paragraph(
            "For a = 1 there is no kink left, and the factor is Xavier's 1. With the small slopes in use the 2 of relu does nearly as well.",
            "a = 1 时不再有折点，系数回到 Xavier 的 1。常用的小斜率下，ReLU 的 2 也几乎一样好。",
        )
        .table(slopes(document))
}

fn take_away(page: Page) -> Page {
    page.heading("What to take away", "要点").paragraph(
        "The 2 makes up for the half of the second moment that relu cuts off. It is E[x²] that a layer passes on, \
         because the weights \
         have mean 0; using Var(x) instead gives a factor that measurably explodes.",
        "系数 2 补偿了 ReLU 截掉的一半二阶矩。由于权重均值为 0，层与层之间传递的是 E[x²]；误用 Var(x) 得到的系数，实测会爆炸。",
    )
}

fn scan(document: &Document) -> Plot {
    let curve = |y: fn(&Scanned) -> f64| points(&document.scan, |one| one.factor, y);
    let wrong = &document.if_variance;
    Plot::new("g", Text::new("log10 of last layer / first layer", "log10（末层 / 首层）"))
        .with(Series::new(Text::new("measured", "实测"), curve(|one| one.log10_ratio), Marks::LineAndPoints))
        .with(Series::new(Text::new("predicted", "预测"), curve(|one| one.predicted), Marks::Dashed))
        .with(Series::new(
            Text::new("g if Var(x) counted", "误用 Var(x) 得到的 g"),
            vec![(wrong.factor, wrong.log10_ratio)],
            Marks::Points,
        ))
}

/// Plots y² times the standard normal density, both halves.
pub(crate) fn half() -> Plot {
    let value = |y: f64| y * y * (-0.5 * y * y).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let curve = |from: i32, to: i32| (from..=to).map(|step| 0.05 * f64::from(step)).map(|y| (y, value(y))).collect();
    Plot::new("y", "y²p(y)")
        .with(Series::new(Text::new("cut off by relu", "被 ReLU 截掉"), curve(-80, 0), Marks::Dashed))
        .with(Series::new(Text::new("kept", "保留"), curve(0, 80), Marks::Line))
        .small()
}

fn profiles(profiles: &[Profile]) -> Plot {
    let plot =
        Plot::new(Text::new("layer", "层"), Text::new("variance over that of the first layer", "方差与首层之比"));
    profiles.iter().enumerate().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, (colour, profile)| {
        let curve = |side: fn(&Comparison) -> f64| {
            points(&profile.layers, |layer| layer.layer as f64, |layer| side(&layer.product))
        };
        let g = format!("g = {}", number(profile.factor));
        let predicted = Text::new(format!("{g}, predicted"), format!("{g}，预测"));
        plot.with(Series::new(g.as_str(), curve(|one| one.measured), Marks::LineAndPoints).coloured(colour + 3))
            .with(Series::new(predicted, curve(|one| one.theory), Marks::Dashed).coloured(colour + 3))
    })
}

fn layers(document: &Document) -> Plot {
    let curve = |y: fn(&LayerFigures) -> f64| points(&document.layers, |one| one.layer as f64, y);
    let half = &document.half_integral;
    let level = |value: f64| vec![(1.0, value), (document.depth as f64, value)];
    Plot::new(Text::new("layer", "层"), Text::new("outputs", "输出"))
        .y_range(0.0, 1.2)
        .with(
            Series::new(Text::new("standard deviation", "标准差"), curve(|one| one.std), Marks::LineAndPoints)
                .coloured(0),
        )
        .with(
            Series::new(Text::new("√(1 − 1/π)", "√(1 − 1/π)"), level(half.std_at_variance_2), Marks::Dashed)
                .coloured(0),
        )
        .with(Series::new(Text::new("mean", "均值"), curve(|one| one.mean), Marks::LineAndPoints).coloured(2))
        .with(Series::new(Text::new("√(1/π)", "√(1/π)"), level(half.mean_at_variance_2), Marks::Dashed).coloured(2))
}

fn steps(document: &Document) -> Table {
    let columns = vec![Text::new("Step", "步骤"), Text::new("Theory", "理论"), Text::new("Measured", "实测")];
    let mut table = Table::new(
        Text::new(
            "Steps 1 and 2, measured after the first layer. The third row is not what a layer passes on",
            "第 1、2 步在首层之后的实测。第三行不是层与层之间传递的量",
        ),
        columns,
    );
    let steps = &document.steps;
    let rows = [
        ("P(y &gt; 0)", 0.5, steps.positive_fraction),
        ("E[x²] / Var(y)", document.half_integral.positive_half, steps.second_moment_over_variance),
        ("Var(x) / Var(y)", 1.0 / if_variance(), steps.variance_over_variance),
        ("Var(y′) / (n Var(w) E[x²])", 1.0, steps.next_variance_over_prediction),
    ];
    for (name, theory, measured) in rows {
        table.row(name, &[theory, measured]);
    }
    table
}

/// Returns a table of the first layer and every fifth one after it.
fn layer_table(layers: &[LayerFigures]) -> Table {
    let columns = [
        ("Layer", "层"),
        ("Mean", "均值"),
        ("Std", "标准差"),
        ("Spread of the std over networks", "标准差在各网络间的波动"),
        ("E[x²]", "E[x²]"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let mut table = Table::new(
        Text::new("Outputs by layer with g = 2, means over networks", "g = 2 时各层的输出，各网络平均"),
        columns,
    );
    for one in layers.iter().filter(|one| one.layer == 1 || one.layer % 5 == 0) {
        table.row(one.layer.to_string().as_str(), &[one.mean, one.std, one.std_spread, one.second_moment]);
    }
    table
}

fn funnel(document: &Document) -> Table {
    let columns = [
        ("Var(w)", "Var(w)"),
        ("Signal, theory", "信号，理论"),
        ("measured", "实测"),
        ("Gradient, theory", "梯度，理论"),
        ("measured", "实测"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new(
        "Variance of the signal, last layer over first, and of the gradient, first layer over last",
        "信号方差（末层 / 首层）与梯度方差（首层 / 末层）",
    );
    let mut table = Table::new(caption, columns);
    for one in &document.funnel.choices {
        let name = match one.choice {
            Fans::In => Text::new("2/n, by inputs", "2/n，按输入数"),
            Fans::Out => Text::new("2/n̂, by outputs", "2/n̂，按输出数"),
        };
        let (forward, backward) = (one.forward, one.backward);
        table.row(name, &[forward.theory, forward.measured, backward.theory, backward.measured]);
    }
    table
}

fn slopes(document: &Document) -> Table {
    let columns = [
        ("Slope a", "斜率 a"),
        ("2/(1 + a²)", "2/(1 + a²)"),
        ("E[x²]/Var(y), theory", "E[x²]/Var(y)，理论"),
        ("measured", "实测"),
        ("log10 last/first, own factor", "log10 末层/首层，自身系数"),
        ("with 2, theory", "用 2，理论"),
        ("measured", "实测"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new(
        "Leaky relu: what a layer keeps, and the signal through the whole stack",
        "Leaky ReLU：一层保留的部分，以及信号穿过整个网络的变化",
    );
    let mut table = Table::new(caption, columns);
    for one in &document.slopes {
        let (kept, two) = (one.kept, one.log10_ratio_with_two);
        table.text_row(vec![
            Text::same(number(one.slope)),
            cell(one.factor),
            cell(kept.theory),
            cell(kept.measured),
            cell(one.log10_ratio),
            cell(two.theory),
            cell(two.measured),
        ]);
    }
    table
}
