//! Page of the experiment on dead units.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Region, Scale, Series, number, points};
use keel_page::page::{Page, Part, Table, cell};

use super::unit::{Plane, UnitFigures};
use super::{Document, Run, Sweep};

/// Half the side of the picture of the cloud.
const REACH: f64 = 4.0;
/// Colours: points that fire and points that do not, firing side of a live and of a dead hyperplane.
const FIRES: usize = 0;
const SILENT: usize = 7;
const LIVE: usize = 2;
const DEAD: usize = 1;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let dead = || Text::new("dead", "死亡比例");
    let page = hyperplanes(&document.unit)
        .heading("In a network", "在网络中")
        .paragraph(
            "A network with two hidden layers learns the digits for a few hundred steps. A unit is dead if it passes no gradient \
             for any sample of the whole training set; a single batch would not show this. A curve ends where the \
             weights are no longer \
             numbers. First, ever larger learning rates.",
            "一个有两个隐藏层的网络在手写数字上训练几百步。若某单元对整个训练集的任何样本都不传梯度，就算死亡；只看一个批次是不够的。\
             权重一旦溢出，不再是有限数，曲线就此中断。先看越来越大的学习率。",
        )
        .plot(
            Text::new("Dead units of the hidden layers after training, by learning rate", "训练后隐藏层中死亡单元的比例，随学习率变化"),
            curves(&document.by_learning_rate, [Text::new("learning rate", "学习率"), dead()], |run| run.dead_fraction),
        )
        .plot(
            Text::new("Training accuracy, by learning rate", "训练集准确率，随学习率变化"),
            curves(&document.by_learning_rate, [Text::new("learning rate", "学习率"), Text::new("accuracy", "准确率")], |run| {
                Some(run.train_accuracy)
            }),
        )
        .paragraph(
            "Then, at a moderate learning rate, the size of the initial weights and the initial bias.",
            "再看在适中的学习率下，初始权重的大小与初始偏置的影响。",
        )
        .plot(
            Text::new(
                "Dead units after training, by the size of the initial weights (1 is Kaiming's)",
                "训练后死亡单元的比例，随初始权重大小变化（1 即 Kaiming）",
            ),
            curves(&document.by_scale, [Text::new("initial weights / Kaiming's", "初始权重 / Kaiming"), dead()], |run| run.dead_fraction),
        )
        .table(bias_table(document));
    why(page)
}

/// Renders the cloud with the unit's hyperplane, before and after a step.
fn hyperplanes(unit: &UnitFigures) -> Page {
    let steps = unit.steps;
    let before = Part::new(Text::new("before", "更新之前"), cloud(&unit.points, &unit.start));
    let after = unit.runs.iter().map(|run| {
        let rate = number(run.learning_rate);
        let title = Text::new(format!("after one step at rate {rate}"), format!("以学习率 {rate} 更新一步之后"));
        Part::new(title, cloud(&unit.points, &run.after_one_step))
    });
    let dies = unit.runs.iter().any(|run| run.after_one_step.active_fraction == 0.0);
    let fate = if dies {
        [
            "The dead unit is where the first step left it, to the last digit: its gradient is exactly 0 at every point.",
            "死亡的单元停在第一步之后的位置，数值完全不变：它在每个点上的梯度都恰好为 0。",
        ]
    } else {
        [
            "With this seed a few points are left on the firing side after the large step: the unit barely lives.",
            "用这个随机种子时，大步更新之后激活的一侧还剩几个点：单元勉强活着。",
        ]
    };
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "One relu unit with two inputs over a cloud of points. Its boundary w·x + b = 0 is a hyperplane, here a \
             line: the unit fires on the tinted side, and only the points there give it a gradient. It has to learn \
             to output a quarter of its initial value. A moderate step moves the line a little. A step that is too \
             large throws it out of the cloud.",
            "一个有两个输入的 ReLU 单元与一团数据点。它的边界 w·x + b = 0 是一个超平面，这里是一条线：单元在着色的一侧激活，只有那一侧的点给它梯度。\
             目标是把输出降到初始值的四分之一。步长适中时，线只移动一点；步长过大时，线被甩到点云之外。",
        )
        .side_by_side(
            Text::new(
                "Points for which the unit fires (blue) and does not (grey); the firing side of a live unit is green, of a dead \
                 one red",
                "单元激活的点（蓝）与不激活的点（灰）；活单元的激活一侧为绿色，死单元的为红色",
            ),
            std::iter::once(before).chain(after).collect(),
        )
        .table(unit_table(unit))
        .paragraph(
            format!("“After all” means after {steps} more steps. {}", fate[0]),
            format!("“全部之后”指再更新 {steps} 步之后。{}", fate[1]),
        )
}

/// Plots the cloud with the hyperplane of one unit and its firing side.
pub(crate) fn cloud(cloud: &[[f64; 2]], plane: &Plane) -> Plot {
    let side = if plane.active_fraction > 0.0 { LIVE } else { DEAD };
    let chosen = |fires: bool| -> Vec<Point> {
        let points = cloud.iter().filter(|&&point| plane.is_active(point) == fires);
        points.map(|point| (point[0], point[1])).collect()
    };
    let plot = Plot::new(Text::new("first input", "第一个输入"), Text::new("second input", "第二个输入"))
        .square()
        .x_range(-REACH, REACH)
        .y_range(-REACH, REACH);
    let boundary = hyperplane(plane);
    let plot = if boundary.is_empty() {
        plot
    } else {
        plot.tinted(Region::positive_side(plane.weights, plane.bias, REACH, side))
    };
    plot.with(Series::new(Text::new("fires", "激活"), chosen(true), Marks::Points).coloured(FIRES))
        .with(Series::new(Text::new("does not fire", "不激活"), chosen(false), Marks::Points).coloured(SILENT))
        .with(Series::new(Text::new("hyperplane", "超平面"), boundary, Marks::Line).coloured(side).extended())
}

/// Returns two points of a hyperplane far outside the picture; empty if both weights are 0.
pub(crate) fn hyperplane(plane: &Plane) -> Vec<Point> {
    let Plane { weights: [a, b], bias, .. } = *plane;
    let length = a.hypot(b);
    if length == 0.0 {
        return Vec::new();
    }
    let (a, b, distance) = (a / length, b / length, bias / length);
    let along = |way: f64| (-a * distance - b * way, -b * distance + a * way);
    vec![along(-4.0 * REACH), along(4.0 * REACH)]
}

fn unit_table(unit: &UnitFigures) -> Table {
    let columns = vec![
        Text::new("Learning rate", "学习率"),
        Text::new("Points that fire before", "更新前激活的点"),
        Text::new("After one step", "一步之后"),
        Text::new("After all", "全部之后"),
        Text::new("Loss before", "更新前损失"),
        Text::new("After all", "全部之后"),
        Text::new("Gradient after all", "全部之后的梯度"),
    ];
    let caption = Text::new("The unit before and after its steps", "更新前后的单元");
    let mut table = Table::new(caption, columns);
    for run in &unit.runs {
        let (first, last) = (&run.after_one_step, &run.after_all_steps);
        let fractions = [unit.start.active_fraction, first.active_fraction, last.active_fraction];
        let numbers = [&fractions[..], &[unit.start.loss, last.loss, last.gradient]].concat();
        table.row(number(run.learning_rate).as_str(), &numbers);
    }
    table
}

fn why(page: Page) -> Page {
    page.heading("Why", "为什么")
        .paragraph(
            "On the far side of a unit's hyperplane output and gradient are 0. If one large step, or a bad start, \
             moves the plane so that all data lie on that side, nothing moves it back: w stays as it is forever. \
             Leaky relu and elu keep a slope there. They can become useless at such learning rates, but not dead; \
             elu's slope, e<sup>x</sup>, is below one thousandth from −7 on, and counts as none here.",
            "在超平面的另一侧，单元的输出与梯度都是 0。若一次过大的更新或不当的初始化把平面移到所有数据都在另一侧，就再没有梯度把它移回来。\
             Leaky ReLU 与 ELU 在那一侧仍有斜率：在过大的学习率下它们也可能失效，但不会死亡。ELU 的斜率 e<sup>x</sup> 在 −7 以下不到千分之一，这里也算没有梯度。",
        )
        .paragraph(
            "Initial weights that are symmetric about 0 start without dead units at any size: every unit is positive \
             for about half of the samples. Weights that are too large kill units during training, because the \
             gradients, and so the steps, are large, too.",
            "关于 0 对称的初始权重，无论大小，起步时都没有死亡单元：每个单元对大约一半的样本为正。过大的权重会在训练中造成死亡，因为梯度和更新步长也随之变大。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Watch the share of dead units and lower the learning rate when it grows. Standardised inputs and Kaiming's weights \
             start with none. A small positive bias such as 0.01 changes little; a large negative one kills from the start.",
            "监视死亡单元的比例，增长时降低学习率。标准化的输入加 Kaiming 初始化，起步时没有死亡单元。0.01 这样的小正偏置作用不大；很大的负偏置一开始就会让单元死亡。",
        )
}

/// Plots one curve per function: a number of its runs over the setting in which they differ.
fn curves(sweeps: &[Sweep], [x_title, y_title]: [Text; 2], y: fn(&Run) -> Option<f64>) -> Plot {
    let plot = Plot::new(x_title, y_title).scales(Scale::Logarithmic, Scale::Linear).y_range(0.0, 1.05);
    sweeps.iter().fold(plot, |plot, sweep| {
        let curve = points(&sweep.runs, |run| run.varied.value(), y);
        plot.with(Series::new(sweep.activation, curve, Marks::LineAndPoints))
    })
}

fn bias_table(document: &Document) -> Table {
    let columns = vec![
        Text::new("Function", "函数"),
        Text::new("Initial bias", "初始偏置"),
        Text::new("Dead in layer 1 at the start", "开始时第 1 层死亡"),
        Text::new("in layer 2", "第 2 层"),
        Text::new("Dead after training", "训练后死亡"),
        Text::new("Accuracy", "准确率"),
    ];
    let caption = Text::new("By initial bias of the hidden layers", "随隐藏层初始偏置的变化");
    let mut table = Table::new(caption, columns);
    for sweep in &document.by_bias {
        for run in &sweep.runs {
            table.text_row(vec![
                Text::same(sweep.activation),
                cell(run.varied.value()),
                cell(run.dead_before.first().copied()),
                cell(run.dead_before.get(1).copied()),
                cell(run.dead_fraction),
                cell(run.train_accuracy),
            ]);
        }
    }
    table
}
