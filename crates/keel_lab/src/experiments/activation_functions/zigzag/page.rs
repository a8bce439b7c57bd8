//! Page of the zigzag experiment.

use keel_page::charts::{Marks, Plot, Point, Region, Scale, Series, number, points};
use keel_page::page::{Page, Part, Table};
use keel_page::{Language, Text};
use maud::html;

use super::{Document, Paths, SignCurve, TARGET};

/// Colours of both kinds of inputs, of the target and of the quadrants a step can point into.
pub(crate) const POSITIVE: usize = 1;
pub(crate) const CENTRED: usize = 0;
pub(crate) const STRAIGHT: usize = 7;
const ALLOWED: usize = 2;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "A neuron with two weights starts at (0, 0) and has to reach (1, −1): one weight up, the other down. With inputs that \
             are both positive every step moves both weights up or both down, so it can only approach in a zigzag.",
            "一个有两个权重的神经元从 (0, 0) 出发，目标是 (1, −1)：一个权重需要增大，另一个需要减小。若两个输入恒为正，每一步两个权重只能同增或同减，\
             于是只能走锯齿形路线。",
        )
        .side_by_side(
            Text::new(
                "Directions of the steps of one path, all of length 1. With positive inputs only the tinted quadrants are allowed: \
                 both weights up, or both down; the target lies in another",
                "一条路径上各步的方向（长度都取 1）。输入恒正时只允许着色的两个象限：两个权重同增或同减；而目标在另一个象限",
            ),
            vec![
                Part::new(positive_name(), directions(&document.positive_inputs.path, TARGET, POSITIVE)),
                Part::new(centred_name(), directions(&document.centred_inputs.path, TARGET, CENTRED)),
            ],
        )
        .plot(
            Text::new(
                "The first path of each kind, and the straight way. Tinted: where the first step of positive inputs can lead",
                "两种输入各取第一条路径，以及直线路径。着色区：恒正输入的第一步所能到达的方向",
            ),
            paths(document),
        )
        .table(table(document))
        .paragraph(
            seen(document).get(Language::English),
            seen(document).get(Language::Chinese),
        )
        .plot(
            Text::new(
                "Steps to the target by learning rate, mean over all paths; no point: a path diverges",
                "到达目标的步数随学习率的变化（所有路径平均）；没有点的地方：有路径发散",
            ),
            steps(document),
        )
        .plot(
            Text::new(
                "Share of units whose weight gradients all have one sign, by batch size (exact zeros do not count)",
                "所有权重梯度同号的单元所占比例，随批量大小变化（恰为零的不计）",
            ),
            signs(&document.one_signed_units),
        )
        .plot(
            Text::new(
                "The same in a real network: the second hidden layer of networks that have learned the digits for a while",
                "真实网络中的同一比例：在手写数字上训练一段时间后的第二隐藏层",
            ),
            signs(&document.real_network),
        )
        .heading("Why", "为什么")
        .paragraph(
            "For one sample the gradients with respect to the weights of a unit are",
            "对单个样本，一个单元的权重梯度为",
        )
        .formula(html! {
            mfrac { mrow { mi { "∂" } mi { "L" } } mrow { mi { "∂" } msub { mi { "w" } mi { "i" } } } }
            mo { "=" } mfrac { mrow { mi { "∂" } mi { "L" } } mrow { mi { "∂" } mi { "z" } } }
            mspace width="0.3em" {} msub { mi { "x" } mi { "i" } }
        })
        .paragraph(
            "All x<sub>i</sub> positive: all gradients have the sign of dL/dz. Sigmoid and relu outputs are such inputs for the \
             next layer. A mini-batch adds up samples with different signs of dL/dz, which helps relu at once and the sigmoid, \
             whose outputs hardly vary around ½, only slowly. Batch norm after the linear layer removes the effect: its backward pass makes \
             the gradients of a unit sum to zero over the batch.",
            "若所有 x<sub>i</sub> 都为正，则所有梯度都与 dL/dz 同号。sigmoid 与 ReLU 的输出正是下一层这样的输入。小批量把 dL/dz 符号不同的样本加在一起，\
             对 ReLU 很快见效，对输出集中在 ½ 附近的 sigmoid 则见效很慢。线性层之后加批量归一化可以根治：它的反向传播使每个单元的梯度在批内之和为零。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centre the inputs of the network; prefer activations with outputs around zero, or put batch norm between. With \
             batches the effect is milder than the picture of one sample suggests.",
            "对网络输入做零中心化；优先选择输出以零为中心的激活函数，或在中间加批量归一化。使用小批量时，影响比单样本的示意图要轻。",
        )
}

/// Maximum number of path points drawn.
const DRAWN: usize = 200;

/// Returns the name of inputs uniform in [0, 1).
pub(crate) fn positive_name() -> Text {
    Text::new("positive inputs", "恒正输入")
}

/// Returns the name of inputs uniform in [-0.5, 0.5).
pub(crate) fn centred_name() -> Text {
    Text::new("centred inputs", "零中心输入")
}

/// Creates a chart of the two weights with the quadrants around the origin in which both change in the same direction.
fn quadrants(titles: [Text; 2], reach: f64) -> Plot {
    let [x, y] = titles;
    same_way((0.0, 0.0), reach).into_iter().fold(Plot::new(x, y).square(), Plot::tinted)
}

/// Returns the two quadrants around `centre`, each `reach` wide, for steps that move both weights in the same direction.
pub(crate) fn same_way(centre: Point, reach: f64) -> [Region; 2] {
    let (x, y) = centre;
    [reach, -reach]
        .map(|reach| Region::new(vec![(x, y), (x + reach, y), (x + reach, y + reach), (x, y + reach)], ALLOWED))
}

/// Plots the steps of a path from the origin as points on the circle, and the direction of the target.
pub(crate) fn directions(path: &[[f64; 2]], target: [f64; 2], colour: usize) -> Plot {
    let unit = |x: f64, y: f64| {
        let length = x.hypot(y);
        (length > 0.0).then(|| (x / length, y / length))
    };
    let pairs = path.windows(2).take(DRAWN);
    let steps: Vec<Point> = pairs.filter_map(|pair| unit(pair[1][0] - pair[0][0], pair[1][1] - pair[0][1])).collect();
    let target = vec![(0.0, 0.0), unit(target[0], target[1]).unwrap_or_default()];
    let titles = [
        Text::new("change of the first weight", "第一个权重的变化"),
        Text::new("change of the second weight", "第二个权重的变化"),
    ];
    quadrants(titles, 3.0)
        .x_range(-1.3, 1.3)
        .y_range(-1.3, 1.3)
        .with(Series::new(Text::new("steps", "各步"), steps, Marks::Points).coloured(colour))
        .with(Series::new(Text::new("to the target", "指向目标"), target, Marks::Arrow).coloured(STRAIGHT))
}

fn paths(document: &Document) -> Plot {
    let path = |paths: &Paths| points(&paths.path[..paths.path.len().min(DRAWN)], |pair| pair[0], |pair| pair[1]);
    let titles = [Text::new("first weight", "第一个权重"), Text::new("second weight", "第二个权重")];
    let curves = [path(&document.positive_inputs), path(&document.centred_inputs)];
    let reach = curves.iter().flatten().fold(1.1_f64, |reach, (x, y)| reach.max(x.abs()).max(y.abs())) * 1.05;
    let [positive, centred] = curves;
    quadrants(titles, 4.0 * reach)
        .x_range(-0.35 * reach, reach)
        .y_range(-reach, 0.35 * reach)
        .with(Series::new(positive_name(), positive, Marks::LineAndPoints).coloured(POSITIVE).extended())
        .with(Series::new(centred_name(), centred, Marks::LineAndPoints).coloured(CENTRED).extended())
        .with(
            Series::new(Text::new("straight line", "直线"), vec![(0.0, 0.0), TARGET.into()], Marks::Arrow)
                .coloured(STRAIGHT),
        )
        .note(TARGET.into(), Text::new("target", "目标"))
}

fn steps(document: &Document) -> Plot {
    let curve = |paths: &Paths| points(&paths.by_rate, |one| one.learning_rate, |one| one.mean_steps);
    Plot::new(Text::new("learning rate", "学习率"), Text::new("steps to the target", "到达目标的步数"))
        .scales(Scale::Logarithmic, Scale::Logarithmic)
        .with(Series::new(positive_name(), curve(&document.positive_inputs), Marks::LineAndPoints).coloured(POSITIVE))
        .with(Series::new(centred_name(), curve(&document.centred_inputs), Marks::LineAndPoints).coloured(CENTRED))
}

/// Describes the paths by their numbers.
fn seen(document: &Document) -> Text {
    let Document { positive_inputs: positive, centred_inputs: centred, learning_rate, .. } = document;
    let rate = number(*learning_rate);
    let whole = |value: f64| number(value.round());
    let (steps, other) = (whole(positive.mean_steps), whole(centred.mean_steps));
    let ratio = positive.mean_steps / centred.mean_steps;
    let mut english = format!(
        "At the rate of {rate} the paths take {steps} steps with positive inputs and {other} with centred ones"
    );
    let mut chinese = format!("学习率为 {rate} 时，恒正输入要走 {steps} 步，零中心输入要走 {other} 步");
    if (0.8..1.25).contains(&ratio) {
        english.push_str(
            ": the zigzag makes the path longer, not slower, because in the direction of the target, (1, −1), the \
             error is equally flat in both cases (a curvature of 1/12).",
        );
        chinese.push_str("：锯齿使路径变长，却没有使它变慢，因为沿着通向目标的方向 (1, −1)，两种情形的误差曲面同样平缓（曲率都是 1/12）。");
    } else {
        english.push('.');
        chinese.push('。');
    }
    if let (Some((slow, most)), Some((fast, least))) = (positive.fastest(), centred.fastest()) {
        let [slow, most, fast, least] =
            [slow.learning_rate, most.round(), fast.learning_rate, least.round()].map(number);
        english.push_str(&format!(
            " The price of the zigzag is a lower learning rate: perpendicular to that direction, along (1, 1), \
             positive inputs are seven times as steep (7/12 against 1/12). The fewest steps of positive inputs are \
             {most}, at a rate of {slow}; of centred inputs {least}, at {fast}."
        ));
        chinese.push_str(&format!(
            "锯齿真正的代价在学习率：在与之垂直的方向 (1, 1) 上，恒正输入的误差曲面要陡七倍（7/12 对 1/12）。恒正输入最快要 {most} 步（学习率 {slow}），\
             零中心输入最快只要 {least} 步（学习率 {fast}）。"
        ));
    }
    if let Some(fails) = positive.first_that_fails() {
        let fails = number(fails);
        english.push_str(&format!(" With positive inputs some paths diverge at a rate of {fails}."));
        chinese.push_str(&format!("恒正输入在学习率 {fails} 时就有路径发散。"));
    }
    Text::new(english, chinese)
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
    let plot = Plot::new(Text::new("batch", "批量大小"), Text::new("share of units", "单元比例"));
    let plot = plot.scales(Scale::Logarithmic, Scale::Linear).y_range(0.0, 1.05);
    curves.iter().fold(plot, |plot, curve| {
        let shares = points(&curve.points, |point| point.batch as f64, |point| point.one_signed_fraction);
        let chinese = curve.inputs.replace("batch norm", "批量归一化");
        plot.with(Series::new(Text::new(curve.inputs, chinese), shares, Marks::LineAndPoints))
    })
}
