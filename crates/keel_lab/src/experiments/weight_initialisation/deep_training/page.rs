//! Page of the deep training experiment.

use keel_page::Text;
use keel_page::charts::{Dots, Marks, Plot, Scale, Series, number};
use keel_page::page::{Page, Table, cell};

use super::{Document, Runs};
use crate::loss_curve::loss_points;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let Document { width, depth, steps, learning_rate, seeds, runs, .. } = document;
    let rate = number(*learning_rate);
    let dots = runs.iter().fold(Dots::new(Text::new("test accuracy", "测试准确率")), |dots, run| {
        dots.with(name(run), run.accuracies.clone())
    });
    let page = Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "The same relu network, {depth} layers of {width} units, learns the digits from different initial weights with the \
                 same optimizer (learning rate {rate}, momentum 0.9, {steps} steps), {seeds} times from each start. The rate is one \
                 at which the networks that can learn do so with every seed; a larger one makes some of them leap."
            ),
            format!(
                "同一个 ReLU 网络（{depth} 层，每层 {width} 个单元）用同样的优化器（学习率 {rate}，动量 0.9，{steps} 步）、不同的初始权重学习手写数字，每种初始化训练 {seeds} 次。\
                 在这个学习率下，能学的网络用任何随机种子都能学会；更大的学习率会使其中一些训练不稳定。"
            ),
        )
        .plot(
            Text::new(
                "Training loss, averaged over twenty steps and over seeds",
                "训练损失（每二十步、各随机种子平均）",
            ),
            losses(document),
        )
        .dots(
            Text::new("Test accuracy of every run; the bar is the mean", "每次训练的测试准确率；竖线是平均值"),
            dots,
        )
        .table(table(runs));
    why(page, document)
}

fn why(page: Page, document: &Document) -> Page {
    let run = |init: &str| document.runs.iter().find(|run| run.init.starts_with(init));
    let signal = |init: &str| number(run(init).and_then(|run| run.signal_at_last_layer).unwrap_or(f64::NAN));
    let accuracy = |init: &str| {
        let accuracies = run(init).map(|run| run.accuracies.as_slice()).unwrap_or_default();
        let (low, high) =
            accuracies.iter().fold((f64::MAX, f64::MIN), |(low, high), &one| (low.min(one), high.max(one)));
        (number(low), number(high))
    };
    let (xavier, uniform) = (signal("xavier_normal"), signal("uniform"));
    let (kaiming, normed) = (accuracy("kaiming"), accuracy("xavier_normal, batch norm"));
    page.heading("Why", "为什么")
        .paragraph(
            format!(
                "Each relu layer multiplies the signal by √(n·Var(w)/2): by 1/√2 with Xavier's weights, by 1/√6 with the uniform \
                 weights ±1/√n that are a common default, by far less with 0.01 in narrow layers. What is left of the signal after \
                 all layers is {xavier} and {uniform} of what the first layer had: all images get the same scores, and the gradient \
                 that comes back is as small. The loss stays at ln 10, that of guessing."
            ),
            format!(
                "每个 ReLU 层把信号乘以 √(n·Var(w)/2)：Xavier 为 1/√2；常见的默认值、均匀分布 ±1/√n 为 1/√6；窄层用 0.01 则小得多。\
                 经过所有层之后，信号只剩首层的 {xavier} 与 {uniform}：所有图像得分相同，传回的梯度也同样微小，损失停在随机猜测的水平 ln 10。"
            ),
        )
        .paragraph(
            format!(
                "Kaiming's factor is 1, forward and backward, and the network learns with every seed: {} to {} of the test set are \
                 right. Orthogonal weights with the same gain keep the length of every signal, not just the average one. With \
                 batch norm, which resets the scale in every layer, the network learns even from the Xavier weights \
                 that stopped it \
                 before ({} to {} right), though at this small rate more slowly: it is made for larger ones ([[batch_norm]]).",
                kaiming.0, kaiming.1, normed.0, normed.1
            ),
            format!(
                "Kaiming 的倍数在前向与反向都是 1，用任何随机种子网络都能学会：测试准确率为 {} 到 {}。同样增益的正交权重能保持每个信号的长度，而不只是平均长度。\
                 批量归一化在每层重新设定尺度，连先前学不动的 Xavier 权重也能学会（{} 到 {}），只是在这样小的学习率下慢一些：它适合更大的学习率（[[batch_norm]]）。",
                kaiming.0, kaiming.1, normed.0, normed.1
            ),
        )
        .heading("What to take away", "要点")
        .paragraph(
            "In a shallow network a poor start only costs time. In a deep one it decides whether anything is learned at all. If the \
             loss does not leave ln(number of classes), look at the signal of the last layer before blaming the learning rate.",
            "浅层网络中，糟糕的初始化只是耽误时间；深层网络中，它决定能否学到东西。如果损失一直停在 ln(类别数)，先看末层信号，再怀疑学习率。",
        )
}

fn losses(document: &Document) -> Plot {
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let plot = document.runs.iter().fold(plot.scales(Scale::Linear, Scale::Linear), |plot, run| {
        plot.with(Series::new(name(run), loss_points(&run.curve), Marks::Line))
    });
    let guessing = vec![(0.0, document.loss_of_guessing), (document.steps as f64, document.loss_of_guessing)];
    plot.with(Series::new(Text::new("guessing, ln 10", "随机猜测，ln 10"), guessing, Marks::Dashed).coloured(7))
}

fn table(runs: &[Runs]) -> Table {
    let columns = [
        ("Initial weights", "初始权重"),
        ("Signal, last / first layer", "信号，末层 / 首层"),
        ("Gradient, first / last layer", "梯度，首层 / 末层"),
        ("Training loss at the end", "最终训练损失"),
        ("Test accuracy", "测试准确率"),
        ("Spread", "离散度"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new(
        "Signal and gradient before training, and the result: means over seeds, and the standard deviation of the accuracy",
        "训练前的信号与梯度，以及训练结果：各随机种子的平均值，以及准确率的标准差",
    );
    let mut table = Table::new(caption, columns);
    for run in runs {
        table.text_row(vec![
            name(run),
            cell(run.signal_at_last_layer),
            cell(run.gradient_at_first_layer),
            cell(run.train_loss),
            cell(run.test_accuracy),
            cell(run.spread),
        ]);
    }
    table
}

/// Returns the name of a start, in both languages.
fn name(run: &Runs) -> Text {
    let chinese = run
        .init
        .replace("normal, std", "正态，标准差")
        .replace("uniform,", "均匀，")
        .replace("orthogonal, gain", "正交，增益")
        .replace(", batch norm", "，批量归一化");
    Text::new(run.init, chinese)
}
