//! Page of convergence by activation.

use keel_page::charts::{Dots, Marks, Plot, Scale, Series, number};
use keel_page::page::{Page, Table, cell};
use keel_page::{Language, Text};

use super::{Document, FunctionFigures};
use crate::loss_curve::loss_points;

/// Ratio of mean steps below which two functions count as equally fast.
const ALIKE: f64 = 1.15;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let Document { depth, width, seeds, goal, .. } = document;
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let plot = document.functions.iter().fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, one| {
        plot.with(Series::new(one.activation, loss_points(&one.curve), Marks::Line))
    });
    let title = Text::new(format!("steps to a loss of {goal}"), format!("损失降到 {goal} 的步数"));
    let dots = document.functions.iter().fold(Dots::new(title), |dots, one| {
        let steps = one.steps_to_goal_of_each.iter().map(|steps| steps.map_or(f64::NAN, |steps| steps as f64));
        dots.with(one.activation, steps.collect())
    });
    let seen = seen(document);
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "A network of {depth} hidden layers of {width} units learns the digits with different activations, each from the \
                 weights made for it and at the learning rate, out of the same list, with which its loss was lowest on average; \
                 then {seeds} times, with as many seeds. {}",
                seen.get(Language::English)
            ),
            format!(
                "一个 {depth} 个隐藏层、每层 {width} 个单元的网络用不同激活函数学习手写数字：各用适合自己的初始化，并从同一列表中选取平均损失最低的学习率，\
                 再用 {seeds} 个随机种子各训练一次。{}",
                seen.get(Language::Chinese)
            ),
        )
        .plot(
            Text::new("Training loss, mean over the seeds and over ten steps", "训练损失（各种子平均，每十步平均）"),
            plot,
        )
        .dots(Text::new("Every run and the mean; runs that never get there are left out", "每次训练与平均值；始终未达到的不画"), dots)
        .table(table(document))
        .heading("Why", "为什么")
        .paragraph(
            "The sigmoid multiplies the gradient by at most ¼ in every layer (see [[gradient_depth]]) and its outputs are all \
             positive, so the first layers hardly learn for a long time. Tanh is centred, and its derivative is 1 at 0: \
             with weights that \
             keep the signal small enough it loses little in a few layers. Relu and its relatives pass the gradient undiminished \
             at any depth.",
            "sigmoid 每层最多把梯度乘以 ¼（见 [[gradient_depth]]），而且输出恒为正，前几层的学习非常缓慢。tanh 以零为中心，在 0 处的导数为 1：只要权重使信号保持适中，\
             几层之内损失不大。ReLU 及其变体在任何深度上传递梯度都不减弱。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Relu converges much faster than the sigmoid. How much faster than tanh, if at all, depends on the network and the \
             data: AlexNet's authors measured a factor of six on a convolutional network of four layers and wrote that it varies \
             with the architecture. A factor measured on one task need not hold for another.",
            "ReLU 的收敛远快于 sigmoid。它是否比 tanh 快、快多少，取决于网络与数据：AlexNet 的作者在一个四层卷积网络上测得六倍，并说明倍数随结构而变。\
             一个任务上测得的倍数不能照搬到另一个任务。",
        )
}

/// Compares relu with sigmoid and tanh, based on the numbers.
fn seen(document: &Document) -> Text {
    let of = |name: &str| document.functions.iter().find(|one| one.activation == name);
    let steps = |name: &str| of(name).and_then(|one| one.steps_to_goal);
    let goal = document.goal;
    let Some(relu) = steps("relu") else {
        return Text::new(
            format!("Not every run with relu came down to a loss of {goal} here."),
            format!("这里并不是每次用 ReLU 的训练都能把损失降到 {goal}。"),
        );
    };
    let others = |language: Language| {
        let sigmoid = compared(relu, steps("sigmoid"), language.choose("the sigmoid", "sigmoid"), language);
        let tanh = compared(relu, steps("tanh"), "tanh", language);
        [sigmoid, tanh].join(language.choose(", ", "，"))
    };
    let whole = number(relu.round());
    Text::new(
        format!("Relu came down to a loss of {goal} after {whole} steps on average; {}.", others(Language::English)),
        format!("ReLU 平均 {whole} 步降到损失 {goal}；{}。", others(Language::Chinese)),
    )
}

/// Compares the mean steps of another function with those of relu.
fn compared(relu: f64, other: Option<f64>, name: &str, language: Language) -> String {
    let Some(other) = other else {
        return match language {
            Language::English => format!("{name} not in every run"),
            Language::Chinese => format!("{name} 并非每次都能达到"),
        };
    };
    let (steps, ratio) = (number(other.round()), other / relu);
    let factor = number((ratio * 10.0).round() / 10.0);
    match (language, (1.0 / ALIKE..ALIKE).contains(&ratio)) {
        (Language::English, false) => format!("{name} after {steps}, {factor} times as many"),
        (Language::English, true) => format!("{name} after {steps}, about as many"),
        (Language::Chinese, false) => format!("{name} 要 {steps} 步，是它的 {factor} 倍"),
        (Language::Chinese, true) => format!("{name} 要 {steps} 步，与它相当"),
    }
}

fn table(document: &Document) -> Table {
    let goal = document.goal;
    let columns = vec![
        Text::new("Activation", "激活函数"),
        Text::new("Learning rate chosen", "所选学习率"),
        Text::new(format!("Steps to a loss of {goal}"), format!("损失降到 {goal} 的步数")),
        Text::new("fewest and most", "最少与最多"),
        Text::new("Test accuracy", "测试准确率"),
    ];
    let caption = Text::new("Each at its best learning rate, mean over the seeds", "各取最佳学习率，各种子平均");
    let mut table = Table::new(caption, columns);
    for one in &document.functions {
        table.text_row(vec![
            Text::same(one.activation),
            cell(one.learning_rate),
            cell(one.steps_to_goal),
            range(one),
            cell(one.test_accuracy),
        ]);
    }
    table
}

fn range(one: &FunctionFigures) -> Text {
    Text::same(one.range().map_or("–".to_owned(), |[fewest, most]| format!("{fewest} … {most}")))
}
