//! Data far from the origin: a tiny turn of the decision line spoils it, and only tiny learning rates are stable.

use keel_nn::RandomKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::charts::{Marks, Plot, Series, exact, points};
use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::language::Text;
use crate::page::{Page, Table};
use crate::signal::normal_values;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<WhyPreprocess>();

struct WhyPreprocess;

impl Experiment for WhyPreprocess {
    const NAME: &'static str = "why_preprocess";
    const TITLE: [&'static str; 2] =
        ["Why centre the data: how easily a line goes wrong", "为什么要零中心化：一条线有多容易分错"];
    const SUMMARY: [&'static str; 2] = [
        "Accuracy of a decision line under small turns, and the largest stable learning rate, for clouds at the origin and away from it.",
        "点云在原点与远离原点时，分类线轻微转动后的正确率，以及最大稳定学习率。",
    ];
    const CHAPTER: Chapter = Chapter::Preprocessing;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let draws = normal_values(4 * config.points, RandomKey::new(seed));
        let offsets =
            config.offsets.iter().map(|&offset| measure(config, &Cloud::new(&draws, offset), offset)).collect();
        Ok(Document { seed, points: config.points, offsets })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// Distance of each class from the middle of both, and standard deviation of each.
const HALF_DISTANCE: f64 = 1.0;
const SPREAD: f64 = 0.5;
/// Steps in which gradient descent shows whether it is stable.
const DESCENT_STEPS: usize = 400;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Points of each of the two classes.
    #[schemars(extend("zh" = "两类各自的点数。"))]
    #[schemars(range(min = 10, max = 20000))]
    points: usize,
    /// Distances of the data from the origin.
    #[schemars(extend("zh" = "数据与原点的距离。"))]
    #[schemars(inner(range(min = -1000.0, max = 1000.0)))]
    offsets: Vec<f64>,
    /// Turns of the decision line in degrees.
    #[schemars(extend("zh" = "分类线转动的角度（度）。"))]
    #[schemars(inner(range(min = -180.0, max = 180.0)))]
    degrees: Vec<f64>,
}

impl Default for Config {
    fn default() -> Self {
        Config { points: 500, offsets: vec![0.0, 10.0, 30.0], degrees: vec![0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0] }
    }
}

/// Points of both classes.
struct Cloud {
    points: Vec<Labelled>,
}

struct Labelled {
    position: [f64; 2],
    /// +1 or -1.
    class: f64,
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    points: usize,
    offsets: Vec<OffsetFigures>,
}

/// Numbers of one distance from the origin.
#[derive(Serialize)]
struct OffsetFigures {
    offset: f64,
    turns: Vec<Turn>,
    largest_eigenvalue: f64,
    condition_number: f64,
    largest_learning_rate: f64,
    largest_learning_rate_in_theory: f64,
    /// Coordinates and class of the first points.
    sample: Vec<[f64; 3]>,
}

/// Accuracy of the decision line after a turn.
#[derive(Serialize)]
struct Turn {
    degrees: f64,
    accuracy: f64,
}

impl Cloud {
    /// The classes lie left and right of a vertical line; the offset moves both along that line.
    fn new(draws: &[f32], offset: f64) -> Self {
        let point = |(index, pair): (usize, &[f32])| {
            let class = if index % 2 == 0 { 1.0 } else { -1.0 };
            let x = class * HALF_DISTANCE + SPREAD * f64::from(pair[0]);
            Labelled { position: [x, SPREAD * f64::from(pair[1]) - offset], class }
        };
        Cloud { points: draws.chunks(2).enumerate().map(point).collect() }
    }

    /// Accuracy of the line through the origin whose normal is turned by `degrees` from the best one.
    fn accuracy(&self, degrees: f64) -> f64 {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let right = |point: &&Labelled| (cosine * point.position[0] + sine * point.position[1]) * point.class > 0.0;
        self.points.iter().filter(right).count() as f64 / self.points.len() as f64
    }

    /// Second moments of (x, y, 1): the curvature of the squared error of a linear unit with bias.
    fn curvature(&self) -> [[f64; 3]; 3] {
        let mut matrix = [[0.0; 3]; 3];
        for Labelled { position: [x, y], .. } in &self.points {
            let row = [*x, *y, 1.0];
            for i in 0..3 {
                for j in 0..3 {
                    matrix[i][j] += row[i] * row[j] / self.points.len() as f64;
                }
            }
        }
        matrix
    }

    /// Returns true if gradient descent on the squared error does not end above its start.
    fn is_stable(&self, learning_rate: f64) -> bool {
        let curvature = self.curvature();
        let mut target = [0.0; 3];
        for Labelled { position: [x, y], class } in &self.points {
            for (sum, value) in target.iter_mut().zip([*x, *y, 1.0]) {
                *sum += value * class / self.points.len() as f64;
            }
        }
        let mut weights = [0.0; 3];
        let gradient =
            |weights: &[f64; 3], i: usize| (0..3).map(|j| curvature[i][j] * weights[j]).sum::<f64>() - target[i];
        let size = |weights: &[f64; 3]| (0..3).map(|i| gradient(weights, i).powi(2)).sum::<f64>();
        let start = size(&weights);
        for _ in 0..DESCENT_STEPS {
            let step = [0, 1, 2].map(|i| gradient(&weights, i));
            for i in 0..3 {
                weights[i] -= learning_rate * step[i];
            }
        }
        size(&weights) <= start
    }

    /// The largest stable learning rate, to one part in a thousand, found by halving the interval.
    fn largest_learning_rate(&self) -> f64 {
        let (mut stable, mut unstable) = (1e-9_f64, 1e3_f64);
        while unstable / stable > 1.001 {
            let middle = (stable * unstable).sqrt();
            if self.is_stable(middle) { stable = middle } else { unstable = middle }
        }
        stable
    }
}

fn measure(config: &Config, cloud: &Cloud, offset: f64) -> OffsetFigures {
    let turn = |&degrees: &f64| Turn { degrees, accuracy: cloud.accuracy(degrees) };
    let row = |point: &Labelled| [point.position[0], point.position[1], point.class];
    let eigenvalues = eigenvalues(cloud.curvature());
    OffsetFigures {
        offset,
        turns: config.degrees.iter().map(turn).collect(),
        largest_eigenvalue: eigenvalues[0],
        condition_number: eigenvalues[0] / eigenvalues[2],
        largest_learning_rate: cloud.largest_learning_rate(),
        largest_learning_rate_in_theory: 2.0 / eigenvalues[0],
        sample: cloud.points.iter().take(200).map(row).collect(),
    }
}

/// Eigenvalues of a symmetric matrix, largest first, by Jacobi rotations.
fn eigenvalues(mut a: [[f64; 3]; 3]) -> [f64; 3] {
    for _ in 0..60 {
        let pairs = [(0, 1), (0, 2), (1, 2)];
        let Some((p, q)) = pairs.into_iter().max_by(|x, y| a[x.0][x.1].abs().total_cmp(&a[y.0][y.1].abs())) else {
            break;
        };
        if a[p][q] == 0.0 {
            break;
        }
        let angle = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
        let (sine, cosine) = angle.sin_cos();
        for k in 0..3 {
            let (left, right) = (a[k][p], a[k][q]);
            (a[k][p], a[k][q]) = (cosine * left - sine * right, sine * left + cosine * right);
        }
        for k in 0..3 {
            let (up, down) = (a[p][k], a[q][k]);
            (a[p][k], a[q][k]) = (cosine * up - sine * down, sine * up + cosine * down);
        }
    }
    let mut values = [a[0][0], a[1][1], a[2][2]];
    values.sort_by(|x, y| y.total_cmp(x));
    values
}

fn page(document: &Document) -> Page {
    let plot =
        Plot::new(Text::new("turn of the line, degrees", "分类线转动角度（度）"), Text::new("accuracy", "正确率"));
    let plot = document.offsets.iter().fold(plot.y_range(0.45, 1.02), |plot, one| {
        let offset = exact(one.offset);
        let name = Text::new(format!("offset {offset}"), format!("偏移 {offset}"));
        let curve = points(&one.turns, |turn| turn.degrees, |turn| turn.accuracy);
        plot.with(Series::new(name, curve, Marks::LineAndPoints))
    });
    let columns = vec![
        Text::new("Offset", "偏移"),
        Text::new("Condition number", "条件数"),
        Text::new("Largest stable learning rate", "最大稳定学习率"),
        Text::new("2 / λ<sub>max</sub>", "2 / λ<sub>max</sub>"),
    ];
    let mut table = Table::new(
        Text::new("Gradient descent on the squared error of a linear unit", "线性单元平方误差上的梯度下降"),
        columns,
    );
    for one in &document.offsets {
        let numbers = [one.condition_number, one.largest_learning_rate, one.largest_learning_rate_in_theory];
        table.row(exact(one.offset).as_str(), &numbers);
    }
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "Two classes, and the line through the origin that divides them best. The line is turned a little. For data around the \
             origin nothing happens; far from it, the same turn moves the line right through or past the data.",
            "两类点与过原点的最佳分类线。把线稍微转动：数据在原点附近时几乎不受影响；数据远离原点时，同样的转动会让线扫过甚至越过数据。",
        )
        .plot(Text::new("Accuracy after a turn of the decision line", "分类线转动后的正确率"), plot)
        .table(table)
        .heading("Why", "为什么")
        .paragraph(
            "A turn by θ moves the line at distance d by d·sin θ. And the error surface of data with a large mean is a long narrow \
             valley: its steepest curvature grows with the square of the offset, its flattest does not. Gradient descent is stable only below",
            "转角 θ 使距离 d 处的线移动 d·sin θ。均值很大的数据，其误差曲面是狭长的山谷：最陡方向的曲率随偏移的平方增长，最平方向则不变。梯度下降只在学习率低于",
        )
        .formula("<mi>η</mi><mo>&lt;</mo><mfrac><mn>2</mn><msub><mi>λ</mi><mi>max</mi></msub></mfrac>")
        .paragraph(
            "so the steep direction dictates a rate at which the flat one hardly moves.",
            "时稳定，于是陡的方向决定了学习率，平的方向几乎不动。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centring costs one subtraction and allows learning rates larger by orders of magnitude, with a classifier that small \
             changes of the weights do not upset.",
            "零中心化只需一次减法，就能使用大几个数量级的学习率，分类器也不再对权重的微小变化敏感。",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_turn_only_hurts_far_from_the_origin() {
        let document = WhyPreprocess::compute(&Config::default(), 0).unwrap();
        let accuracy = |offset: usize, turn: usize| document.offsets[offset].turns[turn].accuracy;
        assert!((accuracy(0, 0) - 0.977).abs() < 0.015);
        assert!((accuracy(0, 6) - accuracy(0, 0)).abs() < 0.01, "ten degrees at the origin cost nothing");
        assert!((accuracy(1, 4) - 0.80).abs() < 0.1, "five degrees at 10: {}", accuracy(1, 4));
        assert!((accuracy(1, 6) - 0.55).abs() < 0.06, "ten degrees at 10: {}", accuracy(1, 6));
        assert!((accuracy(2, 4) - 0.50).abs() < 0.02, "five degrees at 30: {}", accuracy(2, 4));
    }

    #[test]
    fn the_largest_stable_rate_is_that_of_theory_and_falls_with_the_offset() {
        let mut last = f64::MAX;
        for one in WhyPreprocess::compute(&Config::default(), 1).unwrap().offsets {
            let (measured, theory) = (one.largest_learning_rate, one.largest_learning_rate_in_theory);
            assert!((measured / theory - 1.0).abs() < 0.05, "{measured} {theory}");
            assert!(measured < last / 5.0);
            last = measured;
        }
        assert_eq!(eigenvalues([[2.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 1.0]]), [5.0, 2.0, 1.0]);
        let mixed = eigenvalues([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.5]]);
        assert!(mixed.iter().zip([3.0, 1.0, 0.5]).all(|(value, expected)| (value - expected).abs() < 1e-12));
    }
}
