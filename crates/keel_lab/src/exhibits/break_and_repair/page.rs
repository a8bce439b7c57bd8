//! Texts and figures of the exhibit.

use keel_page::charts::{Marks, Plot, Point, Scale, Series, number, points};
use keel_page::page::{Page, Part, Table, cell};
use keel_page::{Language, Text};

use super::sickness::Diagnosis;
use super::{Numbers, Patient, Revealed, State};
use crate::exhibit::View;
use crate::loss_curve::loss_points;
use crate::watched::{findings_table, layer_table, rule_title};

/// Names and colours of the two networks.
const SICK: [&str; 2] = ["sick", "有故障"];
const REPAIRED: [&str; 2] = ["repaired", "修复后"];

pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let mut page = Page::new().side_by_side(
        Text::new(
            "The repaired network starts from the same random numbers as the sick one. The dashed line is guessing: ln 10 for \
             the loss, 10 % for the answers.",
            "修复后的网络与有故障的网络使用相同的随机数。虚线是随机猜测：损失为 ln 10，准确率为 10%。",
        ),
        vec![
            Part::new(Text::new("Training loss", "训练损失"), loss_plot(numbers)),
            Part::new(Text::new("Validation accuracy", "验证集准确率"), accuracy_plot(numbers)),
        ],
    );
    page = page.table(vital_signs(numbers));
    let revealed = numbers.revealed.is_some();
    for (patient, title) in networks(numbers) {
        let at = patient.steps;
        let caption = Text::new(
            format!("Layers of the {} network at step {at}.", title[0]),
            format!("{}网络第 {at} 步时的各层。", title[1]),
        );
        page = page.table(layer_table(caption, &patient.layers, revealed));
    }
    if let Some(solution) = &numbers.revealed {
        page = solved(page, state, numbers, solution);
    }
    View { status: status(state, numbers), page }
}

/// Returns the networks with their names.
fn networks(numbers: &Numbers) -> impl Iterator<Item = (&Patient, [&'static str; 2])> {
    std::iter::once((&numbers.sick, SICK)).chain(numbers.repaired.iter().map(|patient| (patient, REPAIRED)))
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let sick = &numbers.sick;
    let (before, guessing) = (percent(sick.validation_accuracy), number(sick.guessing));
    let course = match (sick.stopped_at, sick.last_loss) {
        (None, Some(loss)) => {
            let (loss, steps) = (number(loss), sick.steps);
            Text::new(
                format!(
                    "After {steps} steps the loss is {loss} (guessing: {guessing}) and {before} % of the answers are right"
                ),
                format!("{steps} 步之后损失为 {loss}（随机猜测：{guessing}），答对 {before}%"),
            )
        }
        _ => {
            let step = sick.steps;
            Text::new(
                format!("At step {step} the loss is not finite any more; {before} % of the answers are right"),
                format!("第 {step} 步损失不再有限，答对 {before}%"),
            )
        }
    };
    let next = next(state, numbers);
    Text::new(
        format!("{}; {}.", course.get(Language::English), next.get(Language::English)),
        format!("{}；{}。", course.get(Language::Chinese), next.get(Language::Chinese)),
    )
}

/// Describes the result so far, or the reader's next step.
fn next(state: &State, numbers: &Numbers) -> Text {
    let Some(repaired) = &numbers.repaired else {
        return Text::new("name the fault and choose one repair", "请给出诊断并选择一项修复");
    };
    let after = percent(repaired.validation_accuracy);
    if let Some(Revealed { points, .. }) = &numbers.revealed {
        return Text::new(
            format!("with the repair {after} % are right: {points} of 100 points"),
            format!("修复后答对 {after}%：得 {points} 分，满分 100"),
        );
    }
    match state.diagnosis {
        Diagnosis::Open => Text::new(
            format!("with the repair {after} % are right; the fault is not named yet"),
            format!("修复后答对 {after}%；尚未给出诊断"),
        ),
        _ => Text::new(format!("with the repair {after} % are right"), format!("修复后答对 {after}%")),
    }
}

fn loss_plot(numbers: &Numbers) -> Plot {
    let mut plot =
        Plot::new(Text::new("step", "步数"), Text::new("loss", "损失")).scales(Scale::Linear, Scale::Logarithmic);
    for (patient, [english, chinese]) in networks(numbers) {
        plot = plot.with(Series::new(Text::new(english, chinese), loss_points(&patient.losses), Marks::Line));
    }
    plot.with(guessing(numbers, numbers.sick.guessing))
}

fn accuracy_plot(numbers: &Numbers) -> Plot {
    let mut plot =
        Plot::new(Text::new("step", "步数"), Text::new("share of right answers", "答对的比例")).y_range(0.0, 1.0);
    for (patient, [english, chinese]) in networks(numbers) {
        let mut curve: Vec<Point> = points(&patient.evaluations, |one| one.step as f64, |one| one.validation_accuracy);
        if patient.evaluations.last().is_none_or(|one| one.step < patient.steps) {
            curve.push((patient.steps as f64, patient.validation_accuracy));
        }
        plot = plot.with(Series::new(Text::new(english, chinese), curve, Marks::LineAndPoints));
    }
    plot.with(guessing(numbers, (-numbers.sick.guessing).exp()))
}

/// Returns a horizontal line from the first step to the last.
fn guessing(numbers: &Numbers, level: f64) -> Series {
    let last = networks(numbers).map(|(patient, _)| patient.steps).max().unwrap_or(1) as f64;
    Series::new(Text::new("guessing", "随机猜测"), vec![(0.0, level), (last, level)], Marks::Dashed)
}

/// Returns a table of numbers of the whole network.
fn vital_signs(numbers: &Numbers) -> Table {
    let columns = vec![
        Text::new("Network", "网络"),
        Text::new("mean of inputs", "输入均值"),
        Text::new("std of inputs", "输入标准差"),
        Text::new("classes in a batch", "每批的类别数"),
        Text::new("loss before step 1", "第一步之前的损失"),
        Text::new("loss of the last steps", "最后几步的损失"),
        Text::new("validation loss", "验证损失"),
        Text::new("right answers", "答对的比例"),
    ];
    let caption = Text::new(
        format!("Vital signs. Guessing has a loss of {}.", number(numbers.sick.guessing)),
        format!("主要指标。随机猜测的损失为 {}。", number(numbers.sick.guessing)),
    );
    let mut table = Table::new(caption, columns);
    for (patient, [english, chinese]) in networks(numbers) {
        let mut cells = vec![Text::new(english, chinese)];
        // Rounding errors should not appear as a mean.
        cells.extend([patient.inputs.mean, patient.inputs.std].map(|value| cell((1e4 * value).round() / 1e4 + 0.0)));
        cells.extend([patient.classes_of_a_batch, patient.first_loss, patient.last_loss].map(cell));
        cells.push(cell(patient.validation_loss));
        cells.push(Text::same(format!("{} %", percent(patient.validation_accuracy))));
        table.text_row(cells);
    }
    table
}

/// Renders the fault, the score, and the findings of the health rules.
fn solved(page: Page, state: &State, numbers: &Numbers, solution: &Revealed) -> Page {
    let lead = numbers.sick.findings.iter().find(|finding| finding.leads);
    let rule = lead.map_or(Text::new("nothing", "无"), |finding| rule_title(&finding.code));
    let stands_for = solution.rules.map_or(Text::new("none of the diagnoses", "不在诊断表中"), Diagnosis::title);
    let (sickness, named) = (solution.sickness.title(), state.diagnosis.title());
    let agreement = match (solution.agrees, solution.fault == state.diagnosis) {
        (true, _) => Text::new("your diagnosis agrees", "你的诊断与之一致"),
        (false, true) => {
            Text::new("your diagnosis differs from it, but names the fault", "你的诊断与之不同，但指出了故障")
        }
        (false, false) => Text::new(
            format!("your diagnosis is “{}”", named.get(Language::English)),
            format!("你的诊断是“{}”", named.get(Language::Chinese)),
        ),
    };
    let [sick, healthy] = [numbers.sick.validation_accuracy, solution.healthy_accuracy].map(percent);
    let (regained, repair) = (percent(solution.regained), state.repair.title());
    let english = |text: &Text| text.get(Language::English).to_owned();
    let chinese = |text: &Text| text.get(Language::Chinese).to_owned();
    let page = page.heading("Solution", "答案").paragraph(
        format!(
            "The fault is {}. The leading finding of the rules is {} (“{}”); {}. The repair, {}, restores {regained} \
             % of the accuracy lost to the fault: {sick} % with it, {healthy} % without. Points: {} of 100.",
            english(&sickness),
            english(&rule),
            english(&stands_for),
            english(&agreement),
            english(&repair),
            solution.points
        ),
        format!(
            "故障是：{}。规则首先指出 {}（“{}”）；{}。修复“{}”挽回了故障所失准确率的 {regained}%：有故障时 {sick}%，无故障时 \
             {healthy}%。得分 {}，满分 100。",
            chinese(&sickness),
            chinese(&rule),
            chinese(&stands_for),
            chinese(&agreement),
            chinese(&repair),
            solution.points
        ),
    );
    let mut page = page;
    for (patient, [name, chinese]) in networks(numbers) {
        page = if patient.findings.is_empty() {
            page.paragraph(
                format!("The health rules find nothing in the {name} network."),
                format!("健康规则在{chinese}网络中没有发现问题。"),
            )
        } else {
            let caption = Text::new(
                format!("Findings of the health rules about the {name} network, causes first."),
                format!("健康规则对{chinese}网络的发现，起因在前。"),
            );
            page.table(findings_table(caption, &patient.findings))
        };
    }
    page
}

/// Formats a share in percent.
fn percent(share: f64) -> String {
    number((1000.0 * share).round() / 10.0)
}
