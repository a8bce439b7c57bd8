//! Figures and texts of the exhibit.

use keel_page::charts::{Histograms, Marks, Plot, Point, Scale, Series, number};
use keel_page::page::{Page, Table, cell};
use keel_page::{Histogram, Interval, Text};

use super::bench::{Folded, Numbers, UNITS, WarmUp};
use super::{BenchMode, State};
use crate::exhibit::View;
use crate::statistics::Moments;

const BINS: usize = 60;
/// Half the width of a histogram of normalised values, and the minimum for the others.
const REACH: f64 = 4.0;
/// Range of the standard deviation before batch norm.
const DEVIATIONS: (f64, f64) = (5e-7, 200.0);
/// Number of points per decade in the curve of the formula.
const POINTS_PER_DECADE: i32 = 8;
/// Number of batches on the axis of the running statistics.
const MOST_BATCHES: usize = 100;
/// Share of ε, or of the initial running variance, above which it is mentioned.
const WORTH_A_WORD: f64 = 0.01;
/// Colours of measured values, the chosen point and theory.
const MEASURED: usize = 0;
const CHOSEN: usize = 1;
const OTHER: usize = 2;
const THEORY: usize = 7;

/// Returns the page for one state.
pub(super) fn view(state: &State, numbers: &Numbers) -> View {
    let page = Page::new()
        .histograms(
            Text::new(
                format!("Values of {UNITS} units for one batch: before batch norm, normalised, and after γ and β."),
                format!("{UNITS} 个单元在一批样本上的值：批量归一化之前、归一化之后、再经过 γ 与 β 之后。"),
            ),
            histograms(numbers),
        )
        .plot(
            Text::new(
                "The first unit: output over input. Batch norm is a straight line with the slope γ / √(σ² + ε) through the point \
                 (μ, β). Drag up or down to move β.",
                "第一个单元：输出随输入的变化。批量归一化是一条直线，斜率为 γ / √(σ² + ε)，过点 (μ, β)。上下拖动以改变 β。",
            ),
            line(numbers),
        )
        .plot(
            Text::new(
                "Standard deviation of the normalised values against that of the pre-activations, a dot for each unit; dashed, \
                 σ / √(σ² + ε) with the statistics of the batch. Drag sideways to change the deviation.",
                "归一化后的标准差随预激活值标准差的变化，每个单元一个点；虚线为用本批统计量时的 σ / √(σ² + ε)。左右拖动以改变标准差。",
            ),
            deviations(state, numbers),
        )
        .plot(
            Text::new(
                "Running variance after each batch, averaged over the units; dashed, the formula. Drag sideways to choose the \
                 number of batches.",
                "每批之后的滑动方差（各单元平均）；虚线为公式。左右拖动以选择批数。",
            ),
            running(state, numbers, Part::Variance),
        )
        .plot(
            Text::new("Running mean after each batch, averaged over the units.", "每批之后的滑动均值（各单元平均）。"),
            running(state, numbers, Part::Mean),
        );
    let page = match &numbers.folded {
        Some(folded) => page.table(differences(folded)).table(channels(folded)),
        None => page,
    };
    View { status: status(state, numbers), page }
}

fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share))
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let [mean, std] = [numbers.before.mean, numbers.before.std].map(shown);
    let [new_mean, new_std] = [numbers.normalised.mean, numbers.normalised.std].map(shown);
    let [end_mean, end_std] = [numbers.after.mean, numbers.after.std].map(shown);
    let (batch, batches) = (state.batch, state.batches);
    let (source, chinese_source) = match state.mode {
        BenchMode::Train => {
            (format!("the statistics of their batch of {batch}"), format!("本批 {batch} 个样本的统计量"))
        }
        BenchMode::Evaluate => {
            (format!("running statistics of {batches} batches"), format!(" {batches} 批的滑动平均统计量"))
        }
    };
    let mut english = format!(
        "Pre-activations with mean {mean} and standard deviation {std} have {new_mean} and {new_std} once normalised with \
         {source}, and {end_mean} and {end_std} after γ and β"
    );
    let mut chinese = format!(
        "预激活值的均值为 {mean}、标准差为 {std}；用{chinese_source}归一化后为 {new_mean} 与 {new_std}，经过 γ 与 β 后为 {end_mean} 与 {end_std}"
    );
    let mut add = |clause: String, chinese_clause: String| {
        english += &format!("; {clause}");
        chinese += &format!("；{chinese_clause}");
    };
    if numbers.epsilon_share >= WORTH_A_WORD {
        let share = percent(numbers.epsilon_share);
        add(format!("ε is {share} of the sum under the root"), format!("根号下的 {share} 是 ε"));
    }
    let start = numbers.warm_up.last().map_or(0.0, WarmUp::share_of_start);
    if state.mode == BenchMode::Evaluate && start >= WORTH_A_WORD {
        let share = percent(start);
        add(
            format!("{share} of the running variance is still its start, 1"),
            format!("滑动方差中仍有 {share} 来自初值 1"),
        );
    }
    if let Some(difference) = numbers.identity_difference {
        let difference = number(difference);
        add(
            format!("output and input differ by at most {difference} of the largest input"),
            format!("输出与输入最多相差最大输入的 {difference} 倍"),
        );
    }
    if let Some(folded) = &numbers.folded {
        let [largest, relative] = [folded.largest, folded.relative].map(number);
        add(
            format!("folded, an output in evaluation changes by at most {largest}, {relative} of the largest"),
            format!("折叠后，推理输出最多改变 {largest}，为最大输出的 {relative} 倍"),
        );
    }
    Text::new(format!("{english}."), format!("{chinese}。"))
}

/// Formats a number, showing rounding errors as 0.
fn shown(value: f64) -> String {
    if value.abs() < 1e-7 { number(0.0) } else { number(value) }
}

fn histograms(numbers: &Numbers) -> Histograms {
    let values = &numbers.values;
    let reach = |values: &[f32]| values.iter().fold(REACH, |reach, value| reach.max(f64::from(value.abs())));
    let panels = [
        (Text::new("Before", "之前"), numbers.before, &values.before, reach(&values.before)),
        (Text::new("Normalised", "归一化后"), numbers.normalised, &values.normalised, reach(&values.normalised)),
        (Text::new("After γ and β", "经过 γ 与 β"), numbers.after, &values.after, reach(&values.after)),
    ];
    panels.into_iter().fold(Histograms::new(), |row, (name, Moments { mean, std, .. }, values, reach)| {
        let [mean, std] = [mean, std].map(shown);
        let [english, chinese] = [keel_page::Language::English, keel_page::Language::Chinese].map(|one| name.get(one));
        let title =
            Text::new(format!("{english}: mean {mean}, std {std}"), format!("{chinese}：均值 {mean}，标准差 {std}"));
        row.with(title, Histogram::of(values, Interval { low: -reach, high: reach }, BINS))
    })
}

fn line(numbers: &Numbers) -> Plot {
    let plot = Plot::new(Text::new("pre-activation", "预激活值"), Text::new("output", "输出"));
    let Some(unit) = numbers.units.first() else { return plot };
    let of = |values: &[f32]| values.iter().step_by(UNITS).map(|&value| f64::from(value)).collect::<Vec<f64>>();
    let (before, after) = (of(&numbers.values.before), of(&numbers.values.after));
    let ends = before.iter().fold((unit.subtracted, unit.subtracted), |(low, high), &x| (low.min(x), high.max(x)));
    let formula = |x: f64| (x, unit.gamma * (x - unit.subtracted) / unit.divisor + unit.beta);
    let samples = before.into_iter().zip(after).collect();
    plot.with(Series::new(Text::new("samples", "样本"), samples, Marks::Points).coloured(MEASURED))
        .with(
            Series::new(Text::new("formula", "公式"), vec![formula(ends.0), formula(ends.1)], Marks::Line)
                .coloured(OTHER),
        )
        .with(
            Series::new(
                Text::new("output = input", "输出 = 输入"),
                vec![(ends.0, ends.0), (ends.1, ends.1)],
                Marks::Dashed,
            )
            .coloured(THEORY),
        )
        .with(Series::new("(μ, β)", vec![(unit.subtracted, unit.beta)], Marks::Handle).coloured(CHOSEN))
}

fn deviations(state: &State, numbers: &Numbers) -> Plot {
    let first = DEVIATIONS.0.log10().floor() as i32 * POINTS_PER_DECADE;
    let last = DEVIATIONS.1.log10().ceil() as i32 * POINTS_PER_DECADE;
    let sigmas = (first..=last).map(|index| 10_f64.powf(f64::from(index) / f64::from(POINTS_PER_DECADE)));
    let formula = sigmas.map(|sigma| (sigma, sigma / (sigma * sigma + state.epsilon).sqrt())).collect();
    let units = numbers.units.iter().map(|unit| (unit.before.std, unit.normalised.std)).collect();
    let root = state.epsilon.sqrt();
    Plot::new(
        Text::new("standard deviation before", "之前的标准差"),
        Text::new("standard deviation normalised", "归一化后的标准差"),
    )
    .scales(Scale::Logarithmic, Scale::Logarithmic)
    .x_range(DEVIATIONS.0, DEVIATIONS.1)
    .with(Series::new("σ / √(σ² + ε)", formula, Marks::Dashed).coloured(THEORY))
    .with(Series::new(Text::new("units", "单元"), units, Marks::Points).coloured(MEASURED))
    .note((root, 0.5_f64.sqrt()), "σ = √ε")
}

/// One of the two running statistics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Mean,
    Variance,
}

fn running(state: &State, numbers: &Numbers, part: Part) -> Plot {
    let (value, start, whole, title): (fn(&WarmUp) -> f64, f64, f64, Text) = match part {
        Part::Mean => (|row| row.mean, 0.0, numbers.whole[0], Text::new("running mean", "滑动均值")),
        Part::Variance => (|row| row.variance, 1.0, numbers.whole[1], Text::new("running variance", "滑动方差")),
    };
    let measured: Vec<Point> = numbers.warm_up.iter().map(|row| (row.batches as f64, value(row))).collect();
    let chosen = measured.last().copied().into_iter().collect();
    let kept = 1.0 - state.momentum;
    let formula = |batches: i32| {
        let left = kept.powi(batches);
        (f64::from(batches), left * start + (1.0 - left) * whole)
    };
    let ends = vec![(0.0, whole), (MOST_BATCHES as f64, whole)];
    let scale = if part == Part::Variance { Scale::Logarithmic } else { Scale::Linear };
    Plot::new(Text::new("batches seen", "已统计的批数"), title)
        .scales(Scale::Linear, scale)
        .x_range(0.0, MOST_BATCHES as f64)
        .with(Series::new(Text::new("measured", "实测"), measured, Marks::Line).coloured(MEASURED))
        .with(
            Series::new(
                Text::new("start · (1 − m)^k + whole · (1 − (1 − m)^k)", "初值·(1 − m)^k + 总体·(1 − (1 − m)^k)"),
                (0..=MOST_BATCHES as i32).map(formula).collect(),
                Marks::Dashed,
            )
            .coloured(THEORY),
        )
        .with(Series::new(Text::new("whole training set", "整个训练集"), ends, Marks::Faint).coloured(OTHER))
        .with(Series::new(Text::new("now", "当前"), chosen, Marks::Handle).coloured(CHOSEN))
}

fn differences(folded: &Folded) -> Table {
    let columns = vec![
        Text::new("Compared with the output in evaluation", "与推理输出相比"),
        Text::new("Largest difference", "最大差异"),
    ];
    let mut table = Table::new(Text::new("Outputs of the batch that is shown", "所示一批的输出"), columns);
    table.row(Text::new("folded by the formula", "按公式折叠"), &[folded.largest]);
    table.row(Text::new("folded by the engine for prediction", "引擎为预测自行折叠"), &[folded.engine]);
    table.row(
        Text::new("in training, with the statistics of the batch", "训练模式，用本批统计量"),
        &[folded.from_training],
    );
    table
}

fn channels(folded: &Folded) -> Table {
    let columns = [
        ("Unit", "单元"),
        ("γ", "γ"),
        ("β", "β"),
        ("Running mean", "滑动均值"),
        ("√(σ² + ε)", "√(σ² + ε)"),
        ("Factor of the weights", "权重的系数"),
        ("New bias", "新的偏置"),
    ];
    let columns = columns.map(|(english, chinese)| Text::new(english, chinese)).to_vec();
    let caption = Text::new("Folding of the first units", "前几个单元的折叠");
    let mut table = Table::new(caption, columns);
    for (index, channel) in folded.channels.iter().enumerate() {
        let numbers = [channel.gamma, channel.beta, channel.mean, channel.deviation, channel.factor, channel.bias];
        let cells = std::iter::once(Text::same((index + 1).to_string())).chain(numbers.map(cell));
        table.text_row(cells.collect());
    }
    table
}
