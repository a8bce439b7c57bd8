//! Text descriptions of charts, for readers who do not see them.

use super::{Point, number};
use crate::language::Language;

/// Maximum number of series described individually; beyond it, only their number is given.
const DESCRIBED: usize = 8;

/// A series to describe.
pub(super) struct Described<'a> {
    /// Name of the series.
    pub(super) name: &'a str,
    /// Points of the series, without missing ones.
    pub(super) points: Vec<Point>,
    /// True if the points are joined by a line.
    pub(super) joined: bool,
}

/// Describes the axes, the ends and extremes of each curve, and the number of points and extent of each cloud.
pub(super) fn chart(language: Language, [x, y]: [&str; 2], series: &[Described<'_>]) -> String {
    let mut sentences = vec![match language {
        Language::English => format!("{y} over {x}"),
        Language::Chinese => format!("横轴：{x}；纵轴：{y}"),
    }];
    sentences.extend(series.iter().take(DESCRIBED).map(|one| one.words(language)));
    if series.len() > DESCRIBED {
        let more = series.len() - DESCRIBED;
        sentences.push(match language {
            Language::English => format!("{more} more"),
            Language::Chinese => format!("另有 {more} 条"),
        });
    }
    let (gap, end) = (language.choose(". ", "。"), language.choose(".", "。"));
    sentences.join(gap) + end
}

/// Describes several values of one quantity: count, mean and ends.
pub(super) fn values(language: Language, name: &str, values: &[f64]) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let count = finite.len();
    if count == 0 {
        return format!("{name}{}", language.choose(": none", "：无"));
    }
    let mean = number(finite.iter().sum::<f64>() / count as f64);
    let (low, high) = ends(finite.iter().copied());
    let (low, high) = (number(low), number(high));
    match language {
        Language::English if count == 1 => format!("{name}: {mean}"),
        Language::English => format!("{name}: mean {mean}, {low} to {high}, {count} values"),
        Language::Chinese if count == 1 => format!("{name}：{mean}"),
        Language::Chinese => format!("{name}：平均 {mean}，{low} 到 {high}，共 {count} 个值"),
    }
}

impl Described<'_> {
    fn words(&self, language: Language) -> String {
        let name = self.name;
        let ascending = self.points.windows(2).all(|pair| pair[0].0 <= pair[1].0);
        match &self.points[..] {
            [] => format!("{name}{}", language.choose(": nothing", "：无")),
            [(x, y)] => match language {
                Language::English => format!("{name}: {} at {}", number(*y), number(*x)),
                Language::Chinese => format!("{name}：{} 处为 {}", number(*x), number(*y)),
            },
            points if self.joined && ascending => curve(language, name, points),
            points if self.joined => path(language, name, points),
            points => cloud(language, name, points),
        }
    }
}

fn curve(language: Language, name: &str, points: &[Point]) -> String {
    let (first, last) = (points[0], points[points.len() - 1]);
    let (low, high) = ends(points.iter().map(|point| point.1));
    let (bottom, top) = ends([first.1, last.1].into_iter());
    let [x0, y0, x1, y1] = [first.0, first.1, last.0, last.1].map(number);
    let room = 0.02 * (high - low);
    let mut text = match language {
        Language::English => format!("{name}: {y0} at {x0}, {y1} at {x1}"),
        Language::Chinese => format!("{name}：{x0} 处为 {y0}，{x1} 处为 {y1}"),
    };
    if low < bottom - room {
        text.push_str(&format!("{}{}", language.choose(", lowest ", "，最低 "), number(low)));
    }
    if high > top + room {
        text.push_str(&format!("{}{}", language.choose(", highest ", "，最高 "), number(high)));
    }
    text
}

fn path(language: Language, name: &str, points: &[Point]) -> String {
    let (first, last) = (points[0], points[points.len() - 1]);
    let [x0, y0, x1, y1] = [first.0, first.1, last.0, last.1].map(number);
    let steps = points.len() - 1;
    match language {
        Language::English if steps == 1 => format!("{name}: from ({x0}, {y0}) to ({x1}, {y1})"),
        Language::English => format!("{name}: from ({x0}, {y0}) to ({x1}, {y1}) in {steps} steps"),
        Language::Chinese if steps == 1 => format!("{name}：从 ({x0}, {y0}) 到 ({x1}, {y1})"),
        Language::Chinese => format!("{name}：从 ({x0}, {y0}) 到 ({x1}, {y1})，共 {steps} 步"),
    }
}

fn cloud(language: Language, name: &str, points: &[Point]) -> String {
    let ((left, right), (low, high)) =
        (ends(points.iter().map(|point| point.0)), ends(points.iter().map(|point| point.1)));
    let [left, right, low, high] = [left, right, low, high].map(number);
    let count = points.len();
    match language {
        Language::English => format!("{name}: {count} points, across {left} to {right}, up {low} to {high}"),
        Language::Chinese => format!("{name}：{count} 个点，横向 {left} 到 {right}，纵向 {low} 到 {high}"),
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_clouds_and_paths_in_words() {
        let described = |points: &[Point], joined| Described { name: "relu", points: points.to_vec(), joined };
        let cases: [(&[Point], bool, &str); 5] = [
            (&[(0.0, 2.3), (10.0, 0.1)], true, "relu: 2.3 at 0, 0.1 at 10"),
            (&[(0.0, 1.0), (5.0, 9.0), (10.0, 2.0)], true, "relu: 1 at 0, 2 at 10, highest 9"),
            (&[(0.0, 0.0), (1.0, 1.0), (0.5, 2.0)], true, "relu: from (0, 0) to (0.5, 2) in 2 steps"),
            (&[(0.0, 5.0), (2.0, 1.0)], false, "relu: 2 points, across 0 to 2, up 1 to 5"),
            (&[], true, "relu: nothing"),
        ];
        for (points, joined, expected) in cases {
            assert_eq!(described(points, joined).words(Language::English), expected);
        }
        let text = chart(Language::Chinese, ["步", "损失"], &[described(&[(0.0, 2.0), (9.0, 1.0)], true)]);
        assert_eq!(text, "横轴：步；纵轴：损失。relu：0 处为 2，9 处为 1。");
        assert_eq!(values(Language::English, "a", &[1.0, 3.0, f64::NAN]), "a: mean 2, 1 to 3, 2 values");
    }
}
