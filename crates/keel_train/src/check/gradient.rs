//! Gradient check: the gradient of the engine, in f32, against finite differences of the loss of the definitions, in f64.
//!
//! Several [directions](super::direction) of every parameter are compared. The rounding error of the gradient is measured by
//! moving every parameter by a few units in the last place: a direction in which it hides the slope is skipped, as is one with
//! kinks of the loss too close to the point; both are counted. In the other directions, the part of the difference that
//! rounding does not explain counts. Directions are compared in rounds over all parameters, so that a time limit thins out the
//! test evenly over the network.
//!
//! If rounding to f32 moves a value across a kink, the engine's gradient is correct at a nearby point instead of this one. A
//! doubtful parameter is therefore measured again at other points nearby: a wrong gradient is wrong at all of them.

use std::sync::Arc;
use std::time::Instant;

use keel_nn::RandomKey;
use keel_nn::graph::Parameter;
use serde::Serialize;

use super::direction::{Direction, PROBES, Probe, product};
use super::reference_loss::ReferenceLoss;

/// Maximum error bound of a direction that counts, relative to its slope.
const DECIDABLE: f64 = 0.01;

/// Relative error above which a parameter is measured again at another point.
const DOUBTFUL: f64 = 1e-3;

/// Maximum number of points: the given one and others nearby.
const POINTS: u64 = 3;

/// Distance of another point, relative to the typical size of a parameter.
const NUDGE: f64 = 0.01;

/// Number of perturbations by a few units in the last place that measure the rounding error of the gradient.
const NOISE_SAMPLES: u64 = 3;

/// Tolerated rounding error as a multiple of the maximum that was measured.
const NOISE_FACTOR: f64 = 3.0;

/// Result of a gradient check.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GradientComparison {
    /// One entry per parameter, in buffer order.
    pub parameters: Vec<ParameterComparison>,
    /// True if every planned direction was tried within the time limit.
    pub complete: bool,
}

/// Result for one parameter.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ParameterComparison {
    /// Unique name: `conv2d_1.weight`.
    pub name: String,
    /// Maximum relative error beyond the error bound of the measurement.
    pub relative_error: f64,
    /// Number of directions that were compared.
    pub compared: u64,
    /// Number of directions in which rounding hides the slope.
    pub undecided: u64,
    /// Number of directions that were skipped because kinks of the loss are too close.
    pub at_kinks: u64,
}

/// A gradient under test.
pub(super) struct GradientTest<'a> {
    /// Point of the test, laid out as in the graph.
    pub(super) values: Vec<f32>,
    /// Returns the gradient that the engine computes at a point.
    pub(super) gradient: &'a mut dyn FnMut(&[f32]) -> Vec<f32>,
    /// Loss by the definitions.
    pub(super) reference: ReferenceLoss<'a>,
    pub(super) deadline: Instant,
}

/// Gradient at a point with its rounding error.
struct Point {
    gradient: Vec<f32>,
    /// Gradients at points a few units in the last place away.
    beside: Vec<Vec<f32>>,
}

impl GradientTest<'_> {
    /// Runs the comparison until the deadline. `None` if the loss at the point is not finite.
    pub(super) fn run(mut self) -> Option<GradientComparison> {
        let graph = Arc::clone(self.reference.graph());
        let parameters: Vec<&Parameter> =
            graph.parameters().iter().filter(|parameter| !parameter.is_frozen()).collect();
        let mut outcome = self.compare_at(&self.values.clone(), &parameters)?;
        for point in 1..POINTS {
            let doubtful = |parameter: &&Parameter| outcome.parameter(&parameter.name).is_some_and(|p| p.is_doubtful());
            let doubtful: Vec<&Parameter> = parameters.iter().copied().filter(doubtful).collect();
            if doubtful.is_empty() {
                break;
            }
            let Some(again) = self.compare_at(&self.beside(point), &doubtful) else { continue };
            outcome.acquit_by(&again);
        }
        Some(outcome)
    }

    /// Compares `parameters` at the point `values`.
    fn compare_at(&mut self, values: &[f32], parameters: &[&Parameter]) -> Option<GradientComparison> {
        if !self.reference.go_to(values).is_finite() {
            return None;
        }
        let point = Point {
            gradient: (self.gradient)(values),
            beside: (0..NOISE_SAMPLES).map(|sample| (self.gradient)(&rounded(values, sample))).collect(),
        };
        let unmeasured =
            |parameter: &&Parameter| ParameterComparison { name: parameter.name.clone(), ..Default::default() };
        let results = parameters.iter().map(unmeasured).collect();
        let mut outcome = GradientComparison { parameters: results, complete: true };
        let order = spread_order(parameters.len());
        for probe in PROBES {
            for &place in &order {
                let (parameter, result) = (parameters[place], &mut outcome.parameters[place]);
                if Instant::now() >= self.deadline {
                    outcome.complete = false;
                    return Some(outcome);
                }
                self.compare(probe, parameter, &point, result);
            }
        }
        Some(outcome)
    }

    /// Compares one direction; it is skipped if all of a few random choices are affected by kinks.
    fn compare(&mut self, probe: Probe, parameter: &Parameter, point: &Point, result: &mut ParameterComparison) {
        for draw in 0..probe.draws() {
            let key = RandomKey::new(draw).named("gradient check").named(&parameter.name);
            let Some(direction) = probe.direction(&point.gradient, parameter, key) else { return };
            let expected = point.slope(&direction);
            if !expected.is_finite() {
                result.compared += 1;
                result.relative_error = f64::INFINITY;
                return;
            }
            let Some(slope) = self.reference.slope(&direction, expected) else { continue };
            let size = expected.abs().max(slope.value.abs());
            let error_bar = slope.error_bar + point.rounding(&direction, expected);
            if error_bar <= DECIDABLE * size {
                result.compared += 1;
                let error = ((expected - slope.value).abs() - error_bar).max(0.0) / size;
                result.relative_error = result.relative_error.max(error);
            } else {
                result.undecided += 1;
            }
            return;
        }
        result.at_kinks += 1;
    }

    /// Returns a point nearby: every parameter is moved by up to [`NUDGE`] of the typical size of its kind.
    fn beside(&self, point: u64) -> Vec<f32> {
        let mut values = self.values.clone();
        for parameter in self.reference.graph().parameters() {
            let key = RandomKey::new(point).named("point nearby").named(&parameter.name);
            let part = &mut values[parameter.range.clone()];
            let reach = NUDGE * (product(part, part) / part.len().max(1) as f64).sqrt().max(NUDGE);
            for (index, value) in part.iter_mut().enumerate() {
                let share = (key.bits(index as u64) >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
                *value += (reach * share) as f32;
            }
        }
        values
    }
}

impl Point {
    /// Returns the slope along `direction` by the gradient.
    fn slope(&self, direction: &Direction) -> f64 {
        product(&self.gradient[direction.start..], &direction.values)
    }

    /// Returns the maximum rounding error of the slope `expected`.
    fn rounding(&self, direction: &Direction, expected: f64) -> f64 {
        let slopes = self.beside.iter().map(|gradient| product(&gradient[direction.start..], &direction.values));
        let largest = slopes.map(|slope| (slope - expected).abs()).fold(0.0, f64::max);
        NOISE_FACTOR * largest + 4.0 * f64::from(f32::EPSILON) * expected.abs()
    }
}

impl GradientComparison {
    /// Returns the parameter with the maximum error; `None` if nothing could be compared.
    pub fn worst(&self) -> Option<&ParameterComparison> {
        let compared = self.parameters.iter().filter(|parameter| parameter.compared > 0);
        compared.max_by(|a, b| a.relative_error.total_cmp(&b.relative_error))
    }

    /// Returns the number of directions that were compared, over all parameters.
    pub fn compared(&self) -> u64 {
        self.parameters.iter().map(|parameter| parameter.compared).sum()
    }

    /// Returns the number of directions that were skipped at kinks, over all parameters.
    pub fn at_kinks(&self) -> u64 {
        self.parameters.iter().map(|parameter| parameter.at_kinks).sum()
    }

    /// Returns the names of the parameters in which no direction could be decided.
    pub fn undecided(&self) -> Vec<&str> {
        let undecided = self.parameters.iter().filter(|parameter| parameter.compared == 0);
        undecided.map(|parameter| parameter.name.as_str()).collect()
    }

    fn parameter(&self, name: &str) -> Option<&ParameterComparison> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Takes the smaller error of each parameter that `again` could compare.
    fn acquit_by(&mut self, again: &GradientComparison) {
        for parameter in &mut self.parameters {
            if let Some(other) = again.parameter(&parameter.name).filter(|other| other.compared > 0) {
                parameter.relative_error = parameter.relative_error.min(other.relative_error);
            }
        }
    }
}

impl ParameterComparison {
    /// Returns true if the error exceeds what rounding and truncation can leave.
    pub(super) fn is_doubtful(&self) -> bool {
        !(self.relative_error <= DOUBTFUL)
    }
}

/// Returns the indices `0..count` with the first at the front and every prefix spread about evenly: if time runs out, the
/// directions tried cover the whole network, and the first parameter's gradient has passed through all of it.
fn spread_order(count: usize) -> Vec<usize> {
    let bits = count.next_power_of_two().trailing_zeros();
    let reversed = |index: usize| if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - bits) };
    (0..count.next_power_of_two()).map(reversed).filter(|&place| place < count).collect()
}

/// Returns `values`, each moved by up to two units in the last place.
fn rounded(values: &[f32], sample: u64) -> Vec<f32> {
    let key = RandomKey::new(0).named("rounding").child(sample);
    let units = |index: usize| (key.bits(index as u64) % 5) as f32 - 2.0;
    values.iter().enumerate().map(|(index, value)| value * (1.0 + units(index) * f32::EPSILON)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_visited_once_and_the_first_first() {
        for (count, expected) in [(0, vec![]), (1, vec![0]), (2, vec![0, 1]), (5, vec![0, 4, 2, 1, 3])] {
            assert_eq!(spread_order(count), expected);
        }
        let mut order = spread_order(65);
        assert_eq!(order[..3], [0, 64, 32]);
        order.sort_unstable();
        assert_eq!(order, (0..65).collect::<Vec<_>>());
    }
}
