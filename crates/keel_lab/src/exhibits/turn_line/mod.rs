//! Two clouds, a line through the origin that divides them, and the learning rate allowed by their distance from the origin.

mod descent;
mod page;

use keel_kernels::activation::normal_cumulative;
use keel_nn::RandomKey;
use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, Preset, View};
use crate::experiment::Chapter;
use crate::experiments::data_preprocessing::why_preprocess::{Cloud, HALF_DISTANCE, Labelled, SHOWN, SPREAD};
use crate::signal::normal_values;
use crate::statistics::Moments;
use descent::{Rates, Run};

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<TurnLine>();

struct TurnLine;

impl Exhibit for TurnLine {
    const NAME: &'static str = "turn_line";
    const TITLE: [&'static str; 2] = ["Turn the line", "转动分类线"];
    const SUMMARY: [&'static str; 2] = [
        "Turn a line between two clouds: far from the origin a few degrees spoil it, and only tiny learning rates are stable. \
         Subtracting the mean cures both.",
        "转动两团点之间的分类线：数据离原点越远，线转动几度造成的错误就越多，可用的学习率也越小。减去均值，两个问题同时消失。",
    ];
    const CHAPTER: Chapter = Chapter::Preprocessing;
    const EXPERIMENT: &'static str = "why_preprocess";

    type State = State;
    type Numbers = Numbers;
    type Memory = ();

    fn compute(state: &State, seed: u64, _memory: &mut ()) -> Result<Numbers, LabError> {
        let draws = normal_values(4 * POINTS, RandomKey::new(seed));
        let cloud = state.prepared(Cloud::new(&draws, state.offset));
        let population = state.population(state.offset);
        let turn =
            |degrees: f64| Turn { degrees, accuracy: cloud.accuracy(degrees), theory: population.accuracy(degrees) };
        let turns = (-TURNS..=TURNS).map(|index| turn(MOST_DEGREES * f64::from(index) / f64::from(TURNS)));
        let centre = [0, 1].map(|axis| Moments::of(cloud.points.iter().map(|point| point.position[axis])).mean);
        let at = |offset: f64| state.prepared(Cloud::new(&draws, offset));
        let rates = |offset: f64| Rates::of(&at(offset), &at(std::f64::consts::SQRT_2 * offset), offset);
        let rate = |index: u32| {
            let offset = MOST_OFFSET * f64::from(index) / f64::from(OFFSETS);
            [offset, 2.0 / state.population(offset).largest_eigenvalue()]
        };
        let chosen = rates(state.offset);
        let numbers = Numbers {
            turned: turn(state.angle),
            best: turn(0.0),
            turns: turns.collect(),
            run: Run::new(&cloud, state.learning_rate),
            half_rate_run: Run::new(&cloud, 0.5 * chosen.theory),
            smallest_loss: descent::smallest_loss(&cloud),
            rates: chosen,
            lecture: LECTURE_OFFSETS.map(rates),
            rates_in_theory: (0..=OFFSETS).map(rate).collect(),
            centre,
            sample: cloud.sample(SHOWN),
        };
        numbers.checked()
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        page::view(state, numbers)
    }

    fn controls() -> Vec<Control> {
        let preset = |offset: f64| Preset {
            label: Text::new(format!("Offset {offset}"), format!("偏移 {offset}")),
            settings: vec![("offset", offset.into()), ("subtract_mean", false.into()), ("divide_by_std", false.into())],
        };
        vec![
            Control::Presets {
                label: Text::new("Raw data of the slide", "课件中的原始数据"),
                presets: LECTURE_OFFSETS.map(preset).into(),
            },
            Control::Slider { knob: "offset", label: Text::new("Offset", "偏移"), scale: Scale::Linear },
            Control::Slider {
                knob: "angle", label: Text::new("Turn, degrees", "转角（度）"), scale: Scale::Linear
            },
            Control::Slider {
                knob: "learning_rate",
                label: Text::new("Learning rate", "学习率"),
                scale: Scale::Logarithmic,
            },
            Control::Switch { knob: "subtract_mean", label: Text::new("Subtract the mean", "减去均值") },
            Control::Switch {
                knob: "divide_by_std",
                label: Text::new("Divide by the standard deviation", "除以标准差"),
            },
            Control::Turn { figure: 1, knob: "angle", centre: [0.0, 0.0] },
            Control::Drag { figure: 3, x: Some("angle"), y: None },
            Control::Drag { figure: 4, x: Some("offset"), y: Some("learning_rate") },
        ]
    }
}

/// Number of points per class.
const POINTS: usize = 500;
/// Maximum turn in degrees at which the accuracy is measured, and the number of turns on each side.
const MOST_DEGREES: f64 = 45.0;
const TURNS: i32 = 180;
/// Maximum offset, and the number of steps along the theory curve.
const MOST_OFFSET: f64 = 30.0;
const OFFSETS: u32 = 60;
/// Offsets on the slide.
const LECTURE_OFFSETS: [f64; 3] = [0.0, 10.0, 30.0];

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Distance of the clouds from the origin, along the best line.
    #[schemars(extend("zh" = "两团点沿最佳分类线离原点的距离。"))]
    #[schemars(range(min = 0.0, max = 30.0))]
    offset: f64,
    /// Turn of the line from the best one, in degrees.
    #[schemars(extend("zh" = "分类线偏离最佳方向的角度（度）。"))]
    #[schemars(range(min = -45.0, max = 45.0))]
    angle: f64,
    /// Learning rate of gradient descent on the squared error of a linear unit.
    #[schemars(extend("zh" = "线性单元平方误差上梯度下降的学习率。"))]
    #[schemars(range(min = 0.0001, max = 20.0))]
    learning_rate: f64,
    /// Subtracts the mean of each coordinate over both clouds.
    #[schemars(extend("zh" = "每个坐标减去全部点的均值。"))]
    subtract_mean: bool,
    /// Divides each coordinate by its standard deviation over both clouds.
    #[schemars(extend("zh" = "每个坐标除以全部点的标准差。"))]
    divide_by_std: bool,
}

impl Default for State {
    fn default() -> Self {
        State { offset: 10.0, angle: 5.0, learning_rate: 0.1, subtract_mean: false, divide_by_std: false }
    }
}

impl State {
    /// Returns the cloud after the enabled preprocessing, with statistics of the cloud itself.
    fn prepared(&self, cloud: Cloud) -> Cloud {
        let moments = [0, 1].map(|axis| Moments::of(cloud.points.iter().map(|point| point.position[axis])));
        let place = |axis: usize, value: f64| {
            let value = if self.subtract_mean { value - moments[axis].mean } else { value };
            if self.divide_by_std { value / moments[axis].std } else { value }
        };
        let point =
            |Labelled { position: [x, y], class }: Labelled| Labelled { position: [place(0, x), place(1, y)], class };
        Cloud { points: cloud.points.into_iter().map(point).collect() }
    }

    /// Returns the distribution of clouds at `offset`, after the same preprocessing.
    fn population(&self, offset: f64) -> Population {
        let deviations = [HALF_DISTANCE.hypot(SPREAD), SPREAD];
        Population {
            scale: if self.divide_by_std { deviations.map(f64::recip) } else { [1.0; 2] },
            offset: if self.subtract_mean { 0.0 } else { offset },
        }
    }
}

/// Two normal classes, to the left and right of a vertical line.
struct Population {
    /// Factor of each coordinate.
    scale: [f64; 2],
    /// Distance from the origin before scaling.
    offset: f64,
}

impl Population {
    /// Returns the probability that the line through the origin, turned by `degrees`, puts a point on the side of its class.
    fn accuracy(&self, degrees: f64) -> f64 {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let [x, y] = [cosine * self.scale[0], sine * self.scale[1]];
        let spread = SPREAD * x.hypot(y);
        let side = |sign: f64| normal_cumulative(((x * HALF_DISTANCE + sign * y * self.offset) / spread) as f32);
        0.5 * f64::from(side(1.0) + side(-1.0))
    }

    /// Returns the largest eigenvalue of the second moments of (x, y, 1): x is independent of the others.
    fn largest_eigenvalue(&self) -> f64 {
        let [x, y] = self.scale;
        let across = x * x * (HALF_DISTANCE * HALF_DISTANCE + SPREAD * SPREAD);
        let mean = y * self.offset;
        let along = mean * mean + y * y * SPREAD * SPREAD;
        let middle = 0.5 * (along + 1.0);
        across.max(middle + (0.5 * (along - 1.0)).hypot(mean))
    }
}

/// Accuracy of the line after a turn.
#[derive(Debug, Serialize)]
struct Turn {
    degrees: f64,
    accuracy: f64,
    theory: f64,
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Numbers {
    /// Accuracy at the chosen angle.
    turned: Turn,
    /// Accuracy without a turn.
    best: Turn,
    turns: Vec<Turn>,
    rates: Rates,
    /// Rates at the offsets of the slide, after the same preprocessing.
    lecture: [Rates; 3],
    /// Offset and largest stable learning rate.
    rates_in_theory: Vec<[f64; 2]>,
    run: Run,
    /// Run at half of the largest stable learning rate, which eliminates the steepest direction in one step.
    half_rate_run: Run,
    smallest_loss: f64,
    /// Mean of all points.
    centre: [f64; 2],
    /// Coordinates and class of the first points.
    sample: Vec<[f64; 3]>,
}

impl Numbers {
    /// Checks that the curvature of the error is invertible.
    fn checked(self) -> Result<Self, LabError> {
        let all = self.lecture.iter().chain([&self.rates]);
        let finite = all.map(|rates| rates.condition_number).chain([self.smallest_loss]).all(f64::is_finite);
        let what = "the curvature".to_owned();
        if finite { Ok(self) } else { Err(LabError::NotFinite { experiment: TurnLine::NAME, what }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: &State, seed: u64) -> Numbers {
        TurnLine::compute(state, seed, &mut ()).unwrap()
    }

    fn turned(offset: f64, angle: f64) -> State {
        State { offset, angle, ..State::default() }
    }

    #[test]
    fn accuracies_of_the_lecture_in_theory_and_measured() {
        let cases = [
            (0.0, 0.0, 0.979),
            (0.0, 10.0, 0.981),
            (10.0, 5.0, 0.80),
            (10.0, 10.0, 0.556),
            (30.0, 2.0, 0.76),
            (30.0, 5.0, 0.50),
        ];
        for seed in 0..3 {
            for (offset, angle, expected) in cases {
                let Turn { accuracy, theory, .. } = at(&turned(offset, angle), seed).turned;
                assert!((theory - expected).abs() < 0.03, "{offset} {angle}: {theory}");
                assert!((accuracy - theory).abs() < 0.05, "{offset} {angle}: {accuracy}, not {theory}");
            }
        }
    }

    #[test]
    fn rates_of_the_lecture() {
        // The lecture uses the logistic loss, whose curvature at weights of 0 is a quarter, and has its clouds at (d, -d).
        for (offset, expected) in [(0.0, 6.2), (10.0, 0.040), (30.0, 0.0044)] {
            let far = std::f64::consts::SQRT_2 * offset;
            let logistic = 8.0 / State::default().population(far).largest_eigenvalue();
            assert!((logistic / expected - 1.0).abs() < 0.04, "{offset}: {logistic}");
            let measured = at(&turned(offset, 0.0), 0).rates.logistic;
            assert!((measured / expected - 1.0).abs() < 0.06, "{offset}: {measured}");
        }
        let numbers = at(&State::default(), 0);
        let [near, far] = [1, 2].map(|index| numbers.lecture[index].condition_number);
        assert!((4.0..7.0).contains(&numbers.lecture[0].condition_number));
        assert!((far / near / (7.8e6 / 1.1e5) - 1.0).abs() < 0.25, "{near} and {far}");
        for rates in &numbers.lecture {
            assert!((rates.largest_learning_rate / rates.theory - 1.0).abs() < 0.05, "{rates:?}");
        }
        for [offset, theory] in numbers.rates_in_theory.iter().step_by(20) {
            let measured = at(&turned(*offset, 0.0), 1).rates.largest_learning_rate;
            assert!((measured / theory - 1.0).abs() < 0.1, "{offset}: {measured}, not {theory}");
        }
    }

    #[test]
    fn subtracting_the_mean_cures_both_and_dividing_alone_does_not() {
        let raw = State { offset: 30.0, learning_rate: 0.5, ..State::default() };
        let [centred, divided, both] = [(true, false), (false, true), (true, true)]
            .map(|(subtract_mean, divide_by_std)| State { subtract_mean, divide_by_std, ..raw.clone() })
            .map(|state| at(&state, 0));
        let raw = at(&raw, 0);
        assert!(raw.run.diverged && divided.run.diverged && !centred.run.diverged && !both.run.diverged);
        assert!(raw.turned.accuracy < 0.55 && divided.turned.accuracy < 0.55);
        assert!(centred.turned.accuracy > 0.95 && both.turned.accuracy > 0.95);
        assert!((both.rates.condition_number - 1.0).abs() < 0.1, "{:?}", both.rates);
        assert!(divided.rates.largest_learning_rate < raw.rates.largest_learning_rate);
        let last = both.run.losses.last().copied().unwrap_or(f64::MAX);
        assert!((last / both.smallest_loss - 1.0).abs() < 1e-6, "{last} {}", both.smallest_loss);
        let slow = raw.half_rate_run.losses.last().copied().unwrap_or(0.0);
        assert!(slow > 2.0 * raw.smallest_loss, "a stable rate hardly moves along the valley: {slow}");
    }

    #[test]
    fn every_state_is_drawn() {
        for offset in [0.0, 30.0] {
            for learning_rate in [0.0001, 20.0] {
                let state = State { offset, learning_rate, angle: 0.0, ..State::default() };
                let html = page::view(&state, &at(&state, 2)).page.body(keel_page::Language::English).into_string();
                assert!(html.contains("figure-5") && !html.contains("NaN") && !html.contains("inf\""));
            }
        }
        assert!(TurnLine::draft(&State::default()).is_none(), "an answer takes a few milliseconds");
    }
}
