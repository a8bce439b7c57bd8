//! The page of the experiment on dead units.

use super::{Document, Run, Sweep};
use crate::charts::{Marks, Plot, Scale, Series, points};
use crate::language::Text;
use crate::page::{Page, Table, cell};

/// The page for one document.
pub(super) fn page(document: &Document) -> Page {
    let dead = || Text::new("dead", "死亡比例");
    let page = Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "A network with two hidden layers learns the digits for a few hundred steps. A unit is dead if it passes no gradient \
             for any sample of the whole training set; a single batch would not tell. A curve ends where the weights are no longer \
             numbers. First, ever larger learning rates.",
            "一个两隐层网络在手写数字上训练几百步。若某单元对整个训练集的任何样本都不传梯度，就算死亡；只看一个批次是不够的。\
             权重不再是有限数时，曲线到此为止。先看越来越大的学习率。",
        )
        .plot(
            Text::new("Dead units of the hidden layers after training, by learning rate", "训练后隐层中死亡单元的比例，随学习率变化"),
            curves(&document.by_learning_rate, [Text::new("learning rate", "学习率"), dead()], |run| run.dead_fraction),
        )
        .plot(
            Text::new("Right answers on the training set, by learning rate", "训练集正确率，随学习率变化"),
            curves(&document.by_learning_rate, [Text::new("learning rate", "学习率"), Text::new("accuracy", "正确率")], |run| {
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

fn why(page: Page) -> Page {
    page.heading("Why", "为什么")
        .paragraph(
            "The boundary of a relu unit is a hyperplane; on its far side output and gradient are 0. If one large step, or a bad \
             start, moves the plane so that all data lie on the far side, nothing moves it back: w stays as it is for ever. Leaky \
             relu and elu keep a slope there. They can become useless at such learning rates, but not dead; elu's slope, \
             e<sup>x</sup>, is below one thousandth from −7 on, and counts as none here.",
            "ReLU 单元的边界是一个超平面，另一侧的输出与梯度都是 0。若一次过大的更新或糟糕的初值把平面移到所有数据都在另一侧，就再没有梯度把它移回来。\
             Leaky ReLU 与 ELU 在那一侧仍有斜率：在过大的学习率下它们也可能失效，但不会死亡。ELU 的斜率 e<sup>x</sup> 在 −7 以下不到千分之一，这里也算没有梯度。",
        )
        .paragraph(
            "Initial weights that are symmetric about 0 start without dead units at any size: every unit is positive for about half \
             of the samples. Weights that are too large kill in training, because the gradients and so the steps are large too.",
            "关于 0 对称的初始权重，无论大小，起步时都没有死亡单元：每个单元对大约一半的样本为正。过大的权重会在训练中造成死亡，因为梯度和更新步长也随之变大。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Watch the share of dead units and lower the learning rate when it grows. Standardised inputs and Kaiming's weights \
             start with none. A small positive bias such as 0.01 changes little; a large negative one kills from the start.",
            "监视死亡单元的比例，增长时降低学习率。标准化的输入加 Kaiming 初始化，起步时没有死亡单元。0.01 这样的小正偏置作用不大；很大的负偏置一开始就会让单元死亡。",
        )
}

/// One curve for each function: a number of its runs over what they differ in.
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
        Text::new("Accuracy", "正确率"),
    ];
    let caption = Text::new("By initial bias of the hidden layers", "随隐层初始偏置的变化");
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
