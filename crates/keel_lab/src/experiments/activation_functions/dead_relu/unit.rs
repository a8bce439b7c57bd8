//! One relu unit over a cloud of points: a small step trains it, a large one throws its hyperplane out of the cloud.
//!
//! The unit `max(0, w · x + b)` has to output a quarter of its initial output, so its weights have to shrink in the
//! same direction. It learns by gradient descent on the mean of `(output - target)^2 / 2` over all points.

use keel_nn::RandomKey;
use serde::Serialize;

use crate::signal::normal_values;

/// Number of points in the cloud, normal in the plane, and their standard deviation.
const POINTS: usize = 200;
const SPREAD: f64 = 0.6;
/// Number of further steps that show whether a unit still learns.
const STEPS: usize = 200;
/// Initial weights of the unit; its bias is 0.
pub(crate) const START: [f64; 2] = [1.6, 1.2];
/// Target output relative to the initial output.
const SHARE: f64 = 0.25;
/// Learning rates compared.
const LEARNING_RATES: [f64; 2] = [1.5, 12.0];

/// Numbers of the figure.
#[derive(Serialize)]
pub(super) struct UnitFigures {
    pub(super) points: Vec<[f64; 2]>,
    pub(super) steps: usize,
    pub(super) start: Plane,
    pub(super) runs: Vec<UnitRun>,
}

/// A unit at one learning rate.
#[derive(Serialize)]
pub(super) struct UnitRun {
    pub(super) learning_rate: f64,
    pub(super) after_one_step: Plane,
    /// State after `steps` further steps.
    pub(super) after_all_steps: Plane,
}

/// State of the unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Plane {
    pub(crate) weights: [f64; 2],
    pub(crate) bias: f64,
    /// Share of the points for which the unit is positive.
    pub(crate) active_fraction: f64,
    pub(crate) loss: f64,
    /// Length of the gradient.
    pub(crate) gradient: f64,
}

/// Computes the cloud and the unit, before and after.
pub(super) fn compute(key: RandomKey) -> UnitFigures {
    let points = cloud(key);
    let start = Unit { weights: START, bias: 0.0, slope: 0.0 };
    let run = |&learning_rate: &f64| {
        let first = start.stepped(&points, learning_rate);
        let last = (0..STEPS).fold(first, |unit, _| unit.stepped(&points, learning_rate));
        UnitRun { learning_rate, after_one_step: first.plane(&points), after_all_steps: last.plane(&points) }
    };
    UnitFigures { steps: STEPS, start: start.plane(&points), runs: LEARNING_RATES.iter().map(run).collect(), points }
}

/// Returns the points of the cloud.
pub(crate) fn cloud(key: RandomKey) -> Vec<[f64; 2]> {
    let draws = normal_values(2 * POINTS, key);
    draws.chunks(2).map(|pair| [pair[0], pair[1]].map(|draw| SPREAD * f64::from(draw))).collect()
}

/// A unit with two inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) weights: [f64; 2],
    pub(crate) bias: f64,
    /// Slope of the activation below zero: 0 for relu.
    pub(crate) slope: f64,
}

impl Unit {
    fn pre_activation(&self, [x, y]: [f64; 2]) -> f64 {
        self.weights[0] * x + self.weights[1] * y + self.bias
    }

    /// Returns the loss and its gradient with respect to both weights and the bias.
    fn differentiate(&self, points: &[[f64; 2]]) -> (f64, [f64; 3]) {
        let teacher = Unit { weights: START.map(|weight| SHARE * weight), bias: 0.0, slope: 0.0 };
        let (mut loss, mut gradient) = (0.0, [0.0; 3]);
        for &point in points {
            let z = self.pre_activation(point);
            let local = if z > 0.0 { 1.0 } else { self.slope };
            let error = local * z - teacher.pre_activation(point).max(0.0);
            loss += error * error / 2.0 / points.len() as f64;
            if local != 0.0 {
                for (sum, input) in gradient.iter_mut().zip([point[0], point[1], 1.0]) {
                    *sum += error * local * input / points.len() as f64;
                }
            }
        }
        (loss, gradient)
    }

    /// Returns the unit after one step of gradient descent on all points.
    pub(crate) fn stepped(&self, points: &[[f64; 2]], learning_rate: f64) -> Unit {
        let (_, [x, y, bias]) = self.differentiate(points);
        let weights = [self.weights[0] - learning_rate * x, self.weights[1] - learning_rate * y];
        Unit { weights, bias: self.bias - learning_rate * bias, ..*self }
    }

    /// Returns the numbers of the unit over all points.
    pub(crate) fn plane(&self, points: &[[f64; 2]]) -> Plane {
        let (loss, gradient) = self.differentiate(points);
        let active = points.iter().filter(|&&point| self.pre_activation(point) > 0.0).count();
        Plane {
            weights: self.weights,
            bias: self.bias,
            active_fraction: active as f64 / points.len() as f64,
            loss,
            gradient: gradient.iter().map(|entry| entry * entry).sum::<f64>().sqrt(),
        }
    }
}

impl Plane {
    /// Returns true if the unit is positive at a point.
    pub(crate) fn is_active(&self, point: [f64; 2]) -> bool {
        Unit { weights: self.weights, bias: self.bias, slope: 0.0 }.pre_activation(point) > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_step_leaves_the_unit_alive_and_a_large_one_kills_it_for_good() {
        for seed in 0..20 {
            let unit = compute(RandomKey::new(seed));
            assert!((0.35..0.65).contains(&unit.start.active_fraction), "seed {seed}: {}", unit.start.active_fraction);
            let [small, large] = &unit.runs[..] else { panic!("two step sizes") };
            assert!(small.after_one_step.active_fraction > 0.1, "seed {seed}");
            assert!(small.after_all_steps.loss < 0.01 * unit.start.loss, "seed {seed}: {}", small.after_all_steps.loss);
            let (first, last) = (&large.after_one_step, &large.after_all_steps);
            assert_eq!((first.active_fraction, first.gradient), (0.0, 0.0), "seed {seed}");
            assert_eq!((last.weights, last.bias, last.loss), (first.weights, first.bias, first.loss), "seed {seed}");
        }
    }
}
