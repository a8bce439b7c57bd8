//! Texts and figures of the playground.

use keel_page::charts::{Field, FieldCell, Marks, Pictures, Plot, Point, Scale, Series, number, points};
use keel_page::page::Page;
use keel_page::{Interval, Text};

use super::field::{Cell, SIDE};
use super::state::State;
use super::{Numbers, percent};
use crate::exhibit::View;
use crate::loss_curve::loss_points;
use crate::recipe::{Block, Data};
use crate::samples::PICTURE;
use crate::watched::{findings_table, layer_table, rule_title};

/// Probabilities in percent above which a region is darker.
const SURE: [u8; 2] = [60, 90];
/// Colour of the queried point.
const ASKED_COLOUR: usize = 4;
/// Brightest pixel of a raw digit.
const WHITE: f32 = 255.0;

pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let mut page = Page::new().plot(
        Text::new(
            "Loss of the training batches, and of the validation samples at the ends of epochs. The dashed line is the loss of \
             guessing, ln C.",
            "训练批次的损失，以及各轮末验证样本的损失。虚线是随机猜测的损失 ln C。",
        ),
        loss_plot(numbers),
    );
    page = if state.data == Data::Digits { pictures(page, numbers) } else { regions(page, state, numbers) };
    page = page.plot(
        Text::new(
            "Standard deviation of z, the output of each layer with weights: by the theory of infinitely wide layers, before the \
             first step, and now.",
            "各带权重层的输出 z 的标准差：无限宽理论值、第一步之前的测量值与当前值。",
        ),
        signal_plot(numbers),
    );
    let at = if numbers.steps == 0 {
        Text::new("Layers before the first step.", "第一步之前的各层。")
    } else {
        Text::new(format!("Layers at step {}.", numbers.steps), format!("第 {} 步时的各层。", numbers.steps))
    };
    page = page.table(layer_table(at, &numbers.layers, true));
    if state.block == Block::Convolution && state.data != Data::Digits {
        page = page.paragraph(
            "Points of the plane are not images: the hidden layers are linear.",
            "平面上的点不是图像：隐藏层为线性层。",
        );
    }
    page = match numbers.findings.is_empty() {
        true => page.paragraph("The health rules have found nothing so far.", "健康规则到目前为止没有发现问题。"),
        false => page.table(findings_table(
            Text::new("Findings of the health rules so far, causes first.", "健康规则目前的发现，起因在前。"),
            &numbers.findings,
        )),
    };
    View { status: status(numbers), page }
}

fn status(numbers: &Numbers) -> Text {
    let guessing = number(numbers.guessing);
    let accuracy = percent(numbers.validation_accuracy);
    let loss = number(numbers.training_loss.unwrap_or(f64::NAN));
    let health = health(numbers);
    let (english, chinese) = (health.get(keel_page::Language::English), health.get(keel_page::Language::Chinese));
    let steps = numbers.steps;
    match numbers.stopped_at {
        Some(step) => Text::new(
            format!("Step {step} produced a number that is not finite, and training stopped; {english}."),
            format!("第 {step} 步出现非有限的数值，训练停止；{chinese}。"),
        ),
        None if steps == 0 => Text::new(
            format!("Before the first step the loss is {loss}; guessing has {guessing}; {english}."),
            format!("第一步之前损失为 {loss}，随机猜测为 {guessing}；{chinese}。"),
        ),
        None => Text::new(
            format!(
                "After {steps} steps the training loss is {loss} (guessing: {guessing}) and {accuracy} % of the validation \
                 samples are right; {english}."
            ),
            format!("{steps} 步之后训练损失为 {loss}（随机猜测：{guessing}），验证样本答对 {accuracy}%；{chinese}。"),
        ),
    }
}

/// Describes the leading finding, if it is more than a note.
fn health(numbers: &Numbers) -> Text {
    let leading = numbers.findings.iter().find(|finding| finding.leads && finding.level != "info");
    match leading {
        None => Text::new("no health rule warns", "健康规则没有警告"),
        Some(finding) => {
            let title = rule_title(&finding.code);
            Text::new(
                format!("the leading finding is {}", title.get(keel_page::Language::English)),
                format!("健康规则首先指出：{}", title.get(keel_page::Language::Chinese)),
            )
        }
    }
}

fn loss_plot(numbers: &Numbers) -> Plot {
    let last = numbers.steps.max(1) as f64;
    let mut validation: Vec<Point> =
        points(&numbers.evaluations, |evaluation| evaluation.step as f64, |evaluation| evaluation.validation_loss);
    if numbers.evaluations.last().is_none_or(|evaluation| evaluation.step < numbers.steps) {
        validation.extend(numbers.validation_loss.map(|loss| (numbers.steps as f64, loss)));
    }
    Plot::new(Text::new("step", "步数"), Text::new("loss", "损失"))
        .x_range(0.0, last)
        .with(Series::new(Text::new("training", "训练"), loss_points(&numbers.losses), Marks::Line))
        .with(Series::new(Text::new("validation", "验证"), validation, Marks::LineAndPoints))
        .with(Series::new(
            Text::new("guessing", "随机猜测"),
            vec![(0.0, numbers.guessing), (last, numbers.guessing)],
            Marks::Dashed,
        ))
}

fn signal_plot(numbers: &Numbers) -> Plot {
    let layer = |point: &super::SignalPoint| point.layer as f64;
    let positive = |value: Option<f64>| value.filter(|&value| value > 0.0);
    let mut plot =
        Plot::new(Text::new("layer with weights", "带权重的层"), Text::new("standard deviation of z", "z 的标准差"))
            .scales(Scale::Linear, Scale::Logarithmic);
    let theory = points(&numbers.signal, layer, |point| positive(point.theory));
    if !theory.is_empty() {
        let name = Text::new("theory, before the first step", "理论值，第一步之前");
        plot = plot.with(Series::new(name, theory, Marks::Dashed));
    }
    plot.with(Series::new(
        Text::new("measured, before the first step", "测量值，第一步之前"),
        points(&numbers.signal, layer, |point| positive(point.start)),
        Marks::LineAndPoints,
    ))
    .with(Series::new(
        Text::new("measured now", "当前测量值"),
        points(&numbers.signal, layer, |point| positive(point.now)),
        Marks::LineAndPoints,
    ))
}

/// Renders the decision regions with the training points and the queried point.
fn regions(page: Page, state: &State, numbers: &Numbers) -> Page {
    let strength = |percent: u8| 1 + SURE.iter().filter(|&&limit| percent >= limit).count() as u8;
    let cell = |&Cell(class, percent): &Cell| FieldCell { colour: class, strength: percent.map_or(0, strength) };
    let mut plot = Plot::new(Text::new("x₁ (pixels)", "x₁（像素）"), Text::new("x₂ (pixels)", "x₂（像素）"))
        .square()
        .x_range(0.0, PICTURE)
        .y_range(0.0, PICTURE)
        .field(Field::new(SIDE, numbers.field.iter().map(cell).collect()));
    for class in 0..numbers.classes {
        let samples = numbers.points.inputs.chunks_exact(2).zip(&numbers.points.labels);
        let own = samples.filter(|(_, label)| **label as usize == class);
        let places = own.map(|(point, _)| (f64::from(point[0]), f64::from(point[1]))).collect();
        let name = Text::new(format!("class {class}"), format!("第 {class} 类"));
        plot = plot.with(Series::new(name, places, Marks::Points).coloured(class));
    }
    let point = (state.x, state.y);
    plot =
        plot.with(Series::new(Text::new("queried point", "查询点"), vec![point], Marks::Handle).coloured(ASKED_COLOUR));
    if let Some(asked) = &numbers.asked {
        let (class, sure) = (asked.class, percent(asked.probabilities[asked.class]));
        plot = plot.note(point, Text::new(format!("class {class}: {sure} %"), format!("第 {class} 类：{sure}%")));
    }
    page.plot(
        Text::new(
            "Regions of the classes: darker where the network is more confident, from 60 % and from 90 %. Points are the training \
             samples. Drag the point to ask about another place.",
            "各类的区域：网络越有把握颜色越深（60% 与 90% 为界）。点是训练样本。拖动查询点可询问别处。",
        ),
        plot,
    )
}

/// Renders misclassified validation digits.
fn pictures(page: Page, numbers: &Numbers) -> Page {
    let names = numbers.mistakes.iter().map(|[label, answer]| format!("{label} → {answer}")).collect();
    let title = Text::new("digit with its label and the answer", "手写数字：标签与回答");
    let pictures =
        Pictures::new(title, &numbers.pictures, [8, 8, 1], Interval { low: 0.0, high: WHITE }).showing(names);
    let shown = numbers.mistakes.len();
    let pairs: Vec<String> = numbers.mistakes.iter().map(|[label, answer]| format!("{label} → {answer}")).collect();
    let pairs = pairs.join(", ");
    let caption = if shown == 0 {
        Text::new("Every validation digit is answered correctly.", "所有验证数字都答对了。")
    } else {
        Text::new(
            format!("The first {shown} validation digits with a wrong answer, label → answer: {pairs}."),
            format!("前 {shown} 个答错的验证数字，标签 → 回答：{pairs}。"),
        )
    };
    page.pictures(caption, pictures)
}
