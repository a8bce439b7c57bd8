//! Page about clouds far from the origin.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Series, number, points};
use keel_page::page::{Page, Part, Table};
use maud::html;

use super::clouds::View;
use super::{Document, OffsetFigures};

/// Half the side of a picture of the clouds alone.
const NEAR: f64 = 3.0;

/// Returns the page for a document.
pub(super) fn page(document: &Document) -> Page {
    let turn = number(document.turn);
    let far = document.offsets.iter().map(|one| Part::new(offset(one), from_afar(one, document.turn)));
    let near = document.offsets.iter().map(|one| Part::new(result(one, document.turn), up_close(one, document.turn)));
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "Two classes, and the line through the origin that divides them best. The offset moves both classes along that \
                 line, so it divides them equally well at any offset. Then the line is turned by {turn}°: by the same small \
                 change of its weights everywhere."
            ),
            format!(
                "两类点，以及过原点的最佳分类线。偏移使两类点沿这条线移动，所以在任何偏移下它都分得一样好。然后把线转动 {turn}°：\
                 各处权重的变化同样微小。"
            ),
        )
        .side_by_side(
            Text::new(
                format!("The classes, the best line and the line turned by {turn}°, with the origin (the dot)"),
                format!("两类点、最佳分类线与转动 {turn}° 后的线；圆点为原点"),
            ),
            far.collect(),
        )
        .side_by_side(
            Text::new(
                format!(
                    "The same clouds up close. Tinted: points that the turned line assigns to class A. Red: points on \
                     the wrong side of \
                     it ({})",
                    shares(document)
                ),
                format!("近看同样的点。着色区：转动后的线判为 A 类的一侧。红色：落在错误一侧的点（{}）", shares(document)),
            ),
            near.collect(),
        )
        .plot(Text::new("Accuracy after a turn of the decision line", "分类线转动后的准确率"), accuracies(document))
        .table(table(document))
        .heading("Why", "为什么")
        .paragraph(
            "A turn by θ moves the line at distance d by d·sin θ. And the error surface of data with a large mean is a long narrow \
             valley: its steepest curvature grows with the square of the offset, its flattest does not. Gradient descent is \
             stable only below",
            "转角 θ 使距离 d 处的线移动 d·sin θ。均值很大的数据，其误差曲面是狭长的山谷：最陡方向的曲率随偏移的平方增长，最平缓方向的曲率不变。梯度下降只在学习率低于",
        )
        .formula(html! {
            mi { "η" } mo { "<" } mfrac { mn { "2" } msub { mi { "λ" } mi { "max" } } }
        })
        .paragraph(
            "so the steep direction dictates a rate at which the flat one hardly moves.",
            "时稳定，于是陡的方向决定了学习率，平缓方向几乎没有进展。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centring costs one subtraction and allows learning rates larger by orders of magnitude, with a \
             classifier that is robust against small changes of the weights. [[image_recipes]] shows the same on \
             images.",
            "零中心化只需一次减法，就能使用大几个数量级的学习率，分类器也不再对权重的微小变化敏感。图像上的同一现象见 [[image_recipes]]。",
        )
}

fn offset(one: &OffsetFigures) -> Text {
    let offset = number(one.offset);
    Text::new(format!("offset {offset}"), format!("偏移 {offset}"))
}

/// Describes offset and accuracies before and after the turn.
fn result(one: &OffsetFigures, turn: f64) -> Text {
    let (offset, turn) = (number(one.offset), number(turn));
    let best = one.turns.iter().find(|turn| turn.degrees == 0.0).map(|turn| number(turn.accuracy));
    let before = best.map_or(String::new(), |best| format!("{best} → "));
    let after = number(one.drawn.accuracy);
    Text::new(
        format!("offset {offset}: accuracy {before}{after} ({turn}°)"),
        format!("偏移 {offset}：准确率 {before}{after}（{turn}°）"),
    )
}

/// Lists the share of wrong points at each offset.
fn shares(document: &Document) -> String {
    let share = |one: &OffsetFigures| format!("{:.0} %", 100.0 * (1.0 - one.drawn.accuracy));
    document.offsets.iter().map(share).collect::<Vec<_>>().join(", ")
}

/// Plots the clouds and both lines on axes that include the origin.
fn from_afar(one: &OffsetFigures, turn: f64) -> Plot {
    let reach = 0.5 * one.offset.abs() + 1.2 * NEAR;
    View { points: &one.sample, middle: [0.0, -0.5 * one.offset], reach }.with_origin(turn)
}

/// Plots the clouds alone, with the points on the wrong side of the turned line.
fn up_close(one: &OffsetFigures, turn: f64) -> Plot {
    View { points: &one.sample, middle: [0.0, -one.offset], reach: NEAR }.up_close(turn)
}

fn accuracies(document: &Document) -> Plot {
    let plot =
        Plot::new(Text::new("turn of the line, degrees", "分类线转动角度（度）"), Text::new("accuracy", "准确率"));
    let last = document.offsets.len().max(2) - 1;
    document.offsets.iter().enumerate().fold(plot.y_range(0.45, 1.02), |plot, (index, one)| {
        let curve = points(&one.turns, |turn| turn.degrees, |turn| turn.accuracy);
        let series = Series::new(offset(one), curve, Marks::LineAndPoints);
        plot.with(series.at_depth(index as f64 / last as f64))
    })
}

fn table(document: &Document) -> Table {
    let columns = vec![
        Text::new("Offset", "偏移"),
        Text::new("Condition number", "条件数"),
        Text::new("Largest stable learning rate", "最大稳定学习率"),
        Text::same("2 / λ<sub>max</sub>"),
    ];
    let caption = Text::new("Gradient descent on the squared error of a linear unit", "线性单元平方误差上的梯度下降");
    let mut table = Table::new(caption, columns);
    for one in &document.offsets {
        let numbers = [one.condition_number, one.largest_learning_rate, one.largest_learning_rate_in_theory];
        table.row(number(one.offset).as_str(), &numbers);
    }
    table
}
