//! Figures and texts of the exhibit.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Region, Scale, Series, number};
use keel_page::page::{Page, Table};

use super::descent::{CEILING, Rates, Run};
use super::{MOST_DEGREES, MOST_OFFSET, Numbers, State, Turn};
use crate::exhibit::View;
use crate::experiments::data_preprocessing::why_preprocess::clouds::View as Clouds;

/// Half the side of a picture of the clouds alone.
const NEAR: f64 = 3.0;
/// Range of the learning rate.
const RATES: (f64, f64) = (1e-4, 20.0);
/// Colours of measured values, theory and the chosen point.
const MEASURED: usize = 0;
const CHOSEN: usize = 1;
const THEORY: usize = 7;

/// Returns the page for one state.
pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let reach = 0.5 * numbers.centre[1].abs() + 1.2 * NEAR;
    let middle = numbers.centre.map(|value| 0.5 * value);
    let afar = Clouds { points: &numbers.sample, middle, reach };
    let close = Clouds { middle: numbers.centre, reach: NEAR, ..afar };
    let wrong = percent(1.0 - numbers.turned.accuracy);
    let page = Page::new()
        .plot(
            Text::new(
                "Both classes, the best line through the origin, and the turned one. Drag to turn it about the origin.",
                "两类点、过原点的最佳分类线与转动后的线。拖动可使线绕原点转动。",
            ),
            afar.with_origin(state.angle),
        )
        .plot(
            Text::new(
                format!("The clouds up close. Tinted: the side of class A. Red: points on the wrong side, {wrong} of all."),
                format!("近看两团点。着色区：判为 A 类的一侧。红色：落在错误一侧的点，占全部点的 {wrong}。"),
            ),
            close.up_close(state.angle),
        )
        .plot(
            Text::new(
                "Accuracy by the turn of the line; dashed, that of the distributions. Drag sideways to turn the line.",
                "准确率随转角的变化；虚线为按总体分布计算的结果。左右拖动以转动分类线。",
            ),
            accuracies(numbers),
        )
        .plot(
            Text::new(
                "Largest stable learning rate by the offset. In the tinted area gradient descent is stable. Drag the point to \
                 choose both.",
                "最大稳定学习率随偏移的变化。着色区内梯度下降稳定。拖动圆点可同时选择偏移与学习率。",
            ),
            rates(state, numbers),
        )
        .plot(
            Text::new(
                "Squared error of a linear unit by steps, with the chosen learning rate and with half of the largest stable one.",
                "线性单元的平方误差随步数的变化：所选学习率，以及最大稳定学习率的一半。",
            ),
            losses(numbers),
        )
        .table(table(numbers));
    View { status: status(state, numbers), page }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let (offset, angle, rate) = (number(state.offset), number(state.angle), number(state.learning_rate));
    let (turned, best) = (percent(numbers.turned.accuracy), percent(numbers.best.accuracy));
    let largest = number(numbers.rates.largest_learning_rate);
    let steps = numbers.run.steps();
    let loss = numbers.run.losses.last().copied().unwrap_or_default();
    let [after, smallest] = [loss, numbers.smallest_loss].map(number);
    let prepared = match (state.subtract_mean, state.divide_by_std) {
        (false, false) => Text::same(""),
        (true, false) => Text::new(", mean subtracted", "，已减均值"),
        (false, true) => Text::new(", divided by the standard deviation", "，已除以标准差"),
        (true, true) => Text::new(", mean subtracted and divided by the standard deviation", "，已减均值并除以标准差"),
    };
    let (end, chinese_end) = if loss > CEILING {
        (format!("the loss is above a million after {steps} steps"), format!("{steps} 步后损失超过一百万"))
    } else if numbers.run.diverged {
        (format!("the loss has risen to {after} after {steps} steps"), format!("{steps} 步后损失升到 {after}"))
    } else {
        (
            format!("the loss is {after} after {steps} steps (smallest possible: {smallest})"),
            format!("{steps} 步后损失为 {after}（可能的最小值为 {smallest}）"),
        )
    };
    let english = prepared.get(keel_page::Language::English);
    let chinese = prepared.get(keel_page::Language::Chinese);
    Text::new(
        format!(
            "Offset {offset}{english}: a turn of {angle}° leaves {turned} of the points on the right side, no turn {best}; the \
             largest stable learning rate is {largest}, and at {rate} {end}."
        ),
        format!(
            "偏移 {offset}{chinese}：线转 {angle}° 后准确率为 {turned}，不转时为 {best}；最大稳定学习率为 {largest}，取 {rate} 时，{chinese_end}。"
        ),
    )
}

fn accuracies(numbers: &Numbers) -> Plot {
    let curve = |value: fn(&Turn) -> f64| numbers.turns.iter().map(|turn| (turn.degrees, value(turn))).collect();
    let Turn { degrees, accuracy, .. } = numbers.turned;
    Plot::new(Text::new("turn of the line, degrees", "分类线转角（度）"), Text::new("accuracy", "准确率"))
        .x_range(-MOST_DEGREES, MOST_DEGREES)
        .y_range(0.45, 1.02)
        .with(Series::new(Text::new("measured", "实测"), curve(|turn| turn.accuracy), Marks::Line).coloured(MEASURED))
        .with(Series::new(Text::new("theory", "理论"), curve(|turn| turn.theory), Marks::Dashed).coloured(THEORY))
        .with(
            Series::new(Text::new("chosen turn", "所选转角"), vec![(degrees, accuracy)], Marks::Handle)
                .coloured(CHOSEN),
        )
}

fn rates(state: &State, numbers: &Numbers) -> Plot {
    let theory: Vec<Point> = numbers.rates_in_theory.iter().map(|&[offset, rate]| (offset, rate)).collect();
    let corners = [(MOST_OFFSET, RATES.0), (0.0, RATES.0)];
    let stable = Region::new(theory.iter().copied().chain(corners).collect(), MEASURED);
    let all = numbers.lecture.iter().chain([&numbers.rates]);
    let measured = all.map(|rates| (rates.offset, rates.largest_learning_rate)).collect();
    Plot::new(Text::new("offset", "偏移"), Text::new("learning rate", "学习率"))
        .scales(Scale::Linear, Scale::Logarithmic)
        .x_range(0.0, MOST_OFFSET)
        .y_range(RATES.0, RATES.1)
        .tinted(stable)
        .with(Series::new(Text::new("theory: 2 / λ", "理论：2 / λ"), theory, Marks::Dashed).coloured(THEORY))
        .with(Series::new(Text::new("largest stable", "最大稳定学习率"), measured, Marks::Points).coloured(MEASURED))
        .with(
            Series::new(Text::new("chosen", "所选"), vec![(state.offset, state.learning_rate)], Marks::Handle)
                .coloured(CHOSEN),
        )
}

fn losses(numbers: &Numbers) -> Plot {
    let curve = |run: &Run| -> Vec<Point> {
        let shown = run.losses.iter().enumerate().filter(|(_, loss)| **loss <= CEILING);
        shown.map(|(step, loss)| (step as f64, *loss)).collect()
    };
    let [chosen, half] = [&numbers.run, &numbers.half_rate_run].map(|run| number(run.learning_rate));
    let steps = numbers.run.steps().max(numbers.half_rate_run.steps()) as f64;
    let smallest = vec![(0.0, numbers.smallest_loss), (steps, numbers.smallest_loss)];
    Plot::new(Text::new("step", "步"), Text::new("loss", "损失"))
        .scales(Scale::Linear, Scale::Logarithmic)
        .with(
            Series::new(
                Text::new(format!("chosen rate, {chosen}"), format!("所选学习率 {chosen}")),
                curve(&numbers.run),
                Marks::Line,
            )
            .coloured(CHOSEN),
        )
        .with(
            Series::new(
                Text::new(format!("half of the largest stable rate, {half}"), format!("最大稳定学习率的一半 {half}")),
                curve(&numbers.half_rate_run),
                Marks::Line,
            )
            .coloured(MEASURED),
        )
        .with(Series::new(Text::new("smallest possible", "可能的最小值"), smallest, Marks::Dashed).coloured(THEORY))
}

fn table(numbers: &Numbers) -> Table {
    let columns = vec![
        Text::new("Offset", "偏移"),
        Text::new("Condition number", "条件数"),
        Text::new("Largest stable learning rate", "最大稳定学习率"),
        Text::new("2 / λ<sub>max</sub>", "2 / λ<sub>max</sub>"),
        Text::new("2 / λ<sub>max</sub> on the slide", "课件上的 2 / λ<sub>max</sub>"),
    ];
    let caption = Text::new(
        "Learning rates on the squared error. The slide has the logistic loss, at weights of 0, and puts the clouds at (d, −d), \
         √2 times as far.",
        "平方误差上的学习率。课件用的是权重为 0 处的逻辑回归损失，并把点放在 (d, −d)，距离是这里的 √2 倍。",
    );
    let mut table = Table::new(caption, columns);
    for rates in &numbers.lecture {
        table.row(number(rates.offset).as_str(), &row(rates));
    }
    let offset = number(numbers.rates.offset);
    table.row(Text::new(format!("chosen: {offset}"), format!("所选：{offset}")), &row(&numbers.rates));
    table
}

fn row(rates: &Rates) -> [f64; 4] {
    [rates.condition_number, rates.largest_learning_rate, rates.theory, rates.logistic]
}
