//! Gradient check: the gradient of the backward pass against finite differences of the loss, parameter by parameter.
//!
//! Of every parameter several directions are compared: along its gradient, along the gradient of random halves of its
//! entries, along random signs, and single entries, some with the largest gradient and some at random. A direction whose
//! error bar is more than [`DECIDABLE`] of the slope says nothing in single precision and is left out; the others count
//! with the part of their difference that the error bar does not explain. Directions are compared in rounds over all
//! parameters, so that a time limit thins the test out and leaves no parameter unseen.

use std::ops::Range;
use std::time::Instant;

use keel_nn::RandomKey;
use serde::Serialize;

use super::finite_difference::{Direction, Landscape, Slope};

/// Error bar of a direction that is counted, as a share of its slope.
const DECIDABLE: f64 = 0.01;

/// Error bar of a second measurement that may acquit a direction, as a share of its slope: what lies within the error bar is
/// no error, so a wide one still tells a wrong gradient.
const DECIDABLE_AGAIN: f64 = 0.3;

/// Relative error above which a direction is measured again.
const DOUBTFUL: f64 = 0.003;

/// Shares of the largest step from which a doubtful direction is measured. Kinks of relu and pooling between the points
/// can agree by chance at one set of steps; a wrong gradient is wrong at all of them.
const SHARES: [f64; 4] = [1.0, 0.37, 0.13, 0.61];

/// One parameter under test.
#[derive(Debug, Clone)]
pub struct CheckedParameter {
    /// Unique name, `conv2d_1.weight`.
    pub name: String,
    /// Its place in the buffer of parameters.
    pub range: Range<usize>,
}

/// Outcome of a gradient check.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GradientComparison {
    /// One entry a parameter, in buffer order.
    pub parameters: Vec<ParameterComparison>,
    /// Every planned direction was tried before the time was up.
    pub complete: bool,
}

/// Outcome for one parameter.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ParameterComparison {
    /// Unique name, `conv2d_1.weight`.
    pub name: String,
    /// Largest relative error beyond the error bar of the measurement.
    pub relative_error: f64,
    /// Directions compared.
    pub compared: u64,
    /// Directions in which rounding hides the slope.
    pub undecided: u64,
}

/// Compares `gradient`, laid out as `values`, with finite differences of `loss` until `deadline`. `None` if the loss at
/// `values` is no finite number.
pub fn compare_gradient(
    parameters: &[CheckedParameter],
    values: &[f32],
    gradient: &[f32],
    deadline: Instant,
    loss: &mut dyn FnMut(&[f32]) -> f64,
) -> Option<GradientComparison> {
    assert_eq!(values.len(), gradient.len(), "as many gradients as parameters");
    let mut landscape = Landscape::new(values, loss)?;
    let mut outcome = GradientComparison { complete: true, ..GradientComparison::default() };
    for parameter in parameters {
        outcome.parameters.push(ParameterComparison { name: parameter.name.clone(), ..Default::default() });
    }
    for probe in PROBES {
        for (parameter, result) in parameters.iter().zip(&mut outcome.parameters) {
            if Instant::now() >= deadline {
                outcome.complete = false;
                return Some(outcome);
            }
            let part = &gradient[parameter.range.clone()];
            let key = RandomKey::new(0).named("gradient check").named(&parameter.name);
            let Some(direction) = probe.direction(part, parameter.range.start, key) else { continue };
            let expected = product(&gradient[direction.start..], &direction.values);
            result.add(expected, |share| landscape.slope(&direction, expected, share));
        }
    }
    Some(outcome)
}

impl GradientComparison {
    /// The parameter with the largest error; `None` if nothing could be compared.
    pub fn worst(&self) -> Option<&ParameterComparison> {
        let compared = self.parameters.iter().filter(|parameter| parameter.compared > 0);
        compared.max_by(|a, b| a.relative_error.total_cmp(&b.relative_error))
    }

    /// Directions compared, over all parameters.
    pub fn compared(&self) -> u64 {
        self.parameters.iter().map(|parameter| parameter.compared).sum()
    }

    /// Names of parameters in which no direction could be decided.
    pub fn undecided(&self) -> Vec<&str> {
        let undecided = self.parameters.iter().filter(|parameter| parameter.compared == 0);
        undecided.map(|parameter| parameter.name.as_str()).collect()
    }
}

impl ParameterComparison {
    /// Counts a direction whose slope should be `expected`; `measure` measures it with a share of the largest step.
    fn add(&mut self, expected: f64, mut measure: impl FnMut(f64) -> Slope) {
        let [largest, shares @ ..] = SHARES;
        let Some(mut smallest) = relative_error(expected, measure(largest), DECIDABLE) else {
            self.undecided += 1;
            return;
        };
        for share in shares {
            if smallest <= DOUBTFUL {
                break;
            }
            smallest = relative_error(expected, measure(share), DECIDABLE_AGAIN).unwrap_or(smallest).min(smallest);
        }
        self.compared += 1;
        self.relative_error = self.relative_error.max(smallest);
    }
}

/// The part of the difference that the error bar does not explain, as a share of the slope; `None` if the error bar is more
/// than the share `decidable` of the slope.
fn relative_error(expected: f64, slope: Slope, decidable: f64) -> Option<f64> {
    let [left, right] = slope.sides;
    let size = expected.abs().max(left.abs()).max(right.abs());
    if !(expected.is_finite() && size.is_finite()) {
        return Some(f64::INFINITY);
    }
    // At a kink every value between the two slopes is a subgradient.
    let outside = (left.min(right) - expected).max(expected - left.max(right)).max(0.0);
    (slope.error_bar <= decidable * size).then(|| (outside - slope.error_bar).max(0.0) / size)
}

/// How a direction is chosen.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// The gradient itself.
    Gradient,
    /// The gradient of a random half of the entries.
    Half(u64),
    /// Plus or minus one everywhere.
    Signs,
    /// The entry whose gradient has this rank by size.
    Large(usize),
    /// A random entry.
    Entry(u64),
}

const PROBES: [Probe; 10] = [
    Probe::Gradient,
    Probe::Half(0),
    Probe::Signs,
    Probe::Half(1),
    Probe::Large(0),
    Probe::Entry(0),
    Probe::Large(1),
    Probe::Entry(1),
    Probe::Entry(2),
    Probe::Entry(3),
];

impl Probe {
    /// The direction for a parameter of this `gradient` that begins at `start`; `None` where there is nothing to move.
    fn direction(self, gradient: &[f32], start: usize, key: RandomKey) -> Option<Direction> {
        let entry = |index: usize| Some(Direction { start: start + index, values: vec![1.0] });
        let whole = |values: Vec<f32>| normalised(values).map(|values| Direction { start, values });
        match self {
            _ if gradient.is_empty() => None,
            Probe::Gradient => whole(gradient.to_vec()),
            Probe::Half(draw) => {
                let keep = |index: usize| key.named("half").child(draw).bits(index as u64) & 1 == 1;
                whole(gradient.iter().enumerate().map(|(i, &value)| if keep(i) { value } else { 0.0 }).collect())
            }
            Probe::Signs => {
                let sign = |index: usize| if key.named("signs").bits(index as u64) & 1 == 1 { 1.0 } else { -1.0 };
                whole((0..gradient.len()).map(sign).collect())
            }
            Probe::Large(rank) => {
                let mut order: Vec<usize> = (0..gradient.len()).collect();
                order.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()).then(a.cmp(&b)));
                order.get(rank).and_then(|&index| entry(index))
            }
            Probe::Entry(draw) => entry((key.named("entry").bits(draw) % gradient.len() as u64) as usize),
        }
    }
}

/// `values` with length 1; `None` if they have none.
fn normalised(mut values: Vec<f32>) -> Option<Vec<f32>> {
    let length = product(&values, &values).sqrt();
    if !(length > 0.0 && length.is_finite()) {
        return None;
    }
    values.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    Some(values)
}

/// Inner product in double precision, as far as the shorter one reaches.
fn product(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
}
