//! Numerical gradient check: compares the gradient of a backward pass with centred differences of the loss.
//!
//! The forward pass is f32, so the difference quotient carries its rounding noise: with step h the noise is about
//! `1e-7 * loss / h` while the truncation error of a plain centred difference is of order h^2. Two centred differences, with h
//! and h / 2, are therefore combined by Richardson extrapolation, which leaves an error of order h^4 and allows a step
//! large enough to make the noise negligible. If the two disagree, or the slope jumps at the point itself, there is a
//! kink (relu, max) between the points: the step is halved a few times, and if that does not help the element is
//! skipped and counted.
//!
//! Relative errors are interpreted as in the course notes "neural networks 3": above 1e-2 the gradient is wrong; 1e-4
//! is fine with kinks in double precision; in single precision a correct gradient reaches 1e-3.

use std::fmt;

/// Options of a gradient check; `GradientCheck::default()` suits f32 forward passes with values of order one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientCheck {
    /// Step for values of magnitude up to one; larger values use it times their magnitude.
    pub step: f32,
    /// Maximum relative error.
    pub tolerance: f64,
    /// Gradients smaller than this share of the largest checked one are treated as if they had that size: below it,
    /// rounding of the forward pass dominates.
    pub floor_share: f64,
    /// Minimum gradient size used in the relative error.
    pub floor: f64,
    /// Maximum share of elements skipped because a kink is within reach.
    pub kink_share: f64,
}

impl Default for GradientCheck {
    fn default() -> Self {
        Self { step: 2e-2, tolerance: 2e-3, floor_share: 1e-2, floor: 1e-4, kink_share: 0.1 }
    }
}

/// Result of a gradient check.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientReport {
    /// Number of elements compared.
    pub compared: usize,
    /// Elements skipped because of a kink.
    pub kinks: Vec<usize>,
    /// Index of the element with the largest relative error.
    pub worst: usize,
    /// Gradient of the backward pass at `worst`.
    pub analytic: f64,
    /// Gradient from differences at `worst`.
    pub numerical: f64,
    /// abs(analytic - numerical) / max(abs(analytic), abs(numerical), floors); infinite if either is not finite.
    pub relative_error: f64,
    /// True if the relative error is within tolerance and few enough elements were skipped.
    pub passed: bool,
}

impl GradientReport {
    /// Panics with `what` and the report if the gradient is wrong.
    ///
    /// # Panics
    /// Panics if the gradient is wrong.
    #[track_caller]
    pub fn assert_passed(&self, what: &str) {
        assert!(self.passed, "{what}: {self}");
    }
}

impl fmt::Display for GradientReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "gradient agrees" } else { "gradient is wrong" };
        write!(
            formatter,
            "{verdict}: worst at index {}: backward pass {:e}, differences {:e}, relative error {:.2e} \
             ({} compared, {} set aside at kinks",
            self.worst,
            self.analytic,
            self.numerical,
            self.relative_error,
            self.compared,
            self.kinks.len()
        )?;
        if let Some(first) = self.kinks.first() {
            write!(formatter, ", first at index {first}")?;
        }
        write!(formatter, ")")
    }
}

impl GradientCheck {
    /// Returns default options with another tolerance.
    pub fn with_tolerance(tolerance: f64) -> Self {
        Self { tolerance, ..Self::default() }
    }

    /// Compares `analytic` (dL/dvalues from a backward pass, same length as `values`) with differences of `loss` at the
    /// given indices. `loss` is called with copies of `values` in which one element is changed.
    ///
    /// # Panics
    /// Panics if the lengths differ or an index is out of range.
    pub fn run(
        &self,
        values: &[f32],
        analytic: &[f32],
        indices: &[usize],
        mut loss: impl FnMut(&[f32]) -> f64,
    ) -> GradientReport {
        assert_eq!(values.len(), analytic.len(), "one gradient element per value");
        let mut moved = values.to_vec();
        let estimates: Vec<Estimate> =
            indices.iter().map(|&index| self.estimate(&mut moved, index, &mut loss)).collect();
        self.judge(analytic, indices, &estimates)
    }

    /// Returns centred differences at one element, with a smaller step while a kink lies between the points.
    fn estimate(&self, moved: &mut [f32], index: usize, loss: &mut impl FnMut(&[f32]) -> f64) -> Estimate {
        let loss_here = loss(moved);
        let mut step = self.step * moved[index].abs().max(1.0);
        let mut coarse = Differences::measure(moved, index, step, loss_here, loss);
        for _ in 0..4 {
            let fine = Differences::measure(moved, index, step / 2.0, loss_here, loss);
            if fine.is_smooth_after(&coarse, self.floor) {
                return Estimate { numerical: (4.0 * fine.centred - coarse.centred) / 3.0, resolved: true };
            }
            (coarse, step) = (fine, step / 2.0);
        }
        // NaN is not a kink: it is compared, and fails.
        Estimate { numerical: coarse.centred, resolved: !coarse.centred.is_finite() }
    }

    fn judge(&self, analytic: &[f32], indices: &[usize], estimates: &[Estimate]) -> GradientReport {
        let largest = estimates.iter().map(|estimate| estimate.numerical.abs()).fold(0.0, f64::max);
        let floor = self.floor.max(self.floor_share * largest);
        let mut report = GradientReport {
            compared: 0,
            kinks: Vec::new(),
            worst: indices.first().copied().unwrap_or(0),
            analytic: 0.0,
            numerical: 0.0,
            relative_error: -1.0,
            passed: false,
        };
        for (&index, estimate) in indices.iter().zip(estimates) {
            let computed = f64::from(analytic[index]);
            // At a kink within noise of the floor the gradient itself is noise; compare it rather than skip it.
            let near = (computed - estimate.numerical).abs() <= self.tolerance * floor;
            if !estimate.resolved && !near && computed.is_finite() {
                report.kinks.push(index);
                continue;
            }
            report.compared += 1;
            let error = relative_error(computed, estimate.numerical, floor);
            if error > report.relative_error {
                report.worst = index;
                (report.analytic, report.numerical, report.relative_error) = (computed, estimate.numerical, error);
            }
        }
        report.relative_error = report.relative_error.max(0.0);
        let few_kinks = report.kinks.len() as f64 <= self.kink_share * indices.len() as f64;
        report.passed = few_kinks && report.relative_error <= self.tolerance;
        report
    }
}

/// Picks at most `count` of `0..len`: all of them if there are no more, else the first, the last and evenly spaced ones
/// between, so that every region of a tensor is checked.
pub fn choose_indices(len: usize, count: usize) -> Vec<usize> {
    if len <= count {
        return (0..len).collect();
    }
    match count {
        0 => Vec::new(),
        1 => vec![len / 2],
        _ => (0..count).map(|position| position * (len - 1) / (count - 1)).collect(),
    }
}

/// Reduces any output to a loss: the sum of `outputs[i] * weights[i]` in f64. Its gradient with respect to the outputs
/// is `weights`, which the backward pass under test must be given.
///
/// # Panics
/// Panics if the lengths differ.
pub fn weighted_sum(outputs: &[f32], weights: &[f32]) -> f64 {
    assert_eq!(outputs.len(), weights.len(), "one weight per output");
    outputs.iter().zip(weights).map(|(&output, &weight)| f64::from(output) * f64::from(weight)).sum()
}

struct Estimate {
    numerical: f64,
    resolved: bool,
}

/// Difference quotients of the loss at one element with one step h.
struct Differences {
    /// (loss(x + h) - loss(x - h)) / 2h with the step as represented in f32.
    centred: f64,
    /// Right slope minus left slope: h times the second derivative, or the jump at a kink.
    bend: f64,
}

impl Differences {
    fn measure(
        moved: &mut [f32],
        index: usize,
        step: f32,
        loss_here: f64,
        loss: &mut impl FnMut(&[f32]) -> f64,
    ) -> Self {
        let centre = moved[index];
        let (above, below) = (centre + step, centre - step);
        moved[index] = above;
        let loss_above = loss(moved);
        moved[index] = below;
        let loss_below = loss(moved);
        moved[index] = centre;
        let distance = |to: f32| f64::from(to) - f64::from(centre);
        Self {
            centred: (loss_above - loss_below) / (f64::from(above) - f64::from(below)),
            bend: (loss_above - loss_here) / distance(above) - (loss_below - loss_here) / distance(below),
        }
    }

    /// Returns true if no kink is visible between these differences and `coarse` ones with twice the step: a smooth
    /// loss changes the centred difference only by about 3/8 h^2 f''' and halves the bend, while a kink at the point
    /// itself keeps the bend.
    fn is_smooth_after(&self, coarse: &Self, floor: f64) -> bool {
        let scale = coarse.centred.abs().max(self.centred.abs()).max(floor);
        let steady = (coarse.centred - self.centred).abs() <= 0.01 * scale;
        let kinked = self.bend.abs() > 0.05 * scale && self.bend.abs() > 0.75 * coarse.bend.abs();
        steady && !kinked
    }
}

fn relative_error(analytic: f64, numerical: f64, floor: f64) -> f64 {
    let error = (analytic - numerical).abs() / analytic.abs().max(numerical.abs()).max(floor);
    if error.is_finite() { error } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deterministic_values;

    /// Sum of tanh(x)^2 * weight, with an f32 forward.
    fn smooth_loss(values: &[f32], weights: &[f32]) -> f64 {
        weighted_sum(&values.iter().map(|value| value.tanh() * value.tanh()).collect::<Vec<_>>(), weights)
    }

    fn smooth_gradient(values: &[f32], weights: &[f32]) -> Vec<f32> {
        let slope = |value: f32| 2.0 * value.tanh() * (1.0 - value.tanh() * value.tanh());
        values.iter().zip(weights).map(|(&value, weight)| slope(value) * weight).collect()
    }

    #[test]
    fn right_gradient_passes() {
        let (values, weights) = (deterministic_values(1, 101, -2.0, 2.0), deterministic_values(2, 101, -1.0, 1.0));
        let gradient = smooth_gradient(&values, &weights);
        let report = GradientCheck::default()
            .run(&values, &gradient, &choose_indices(101, 101), |moved| smooth_loss(moved, &weights));
        assert!(report.passed, "{report}");
        assert_eq!((report.compared, report.kinks.len()), (101, 0));
    }

    #[test]
    fn one_wrong_element_is_named() {
        let (values, weights) = (deterministic_values(1, 53, 0.3, 1.0), deterministic_values(2, 53, 0.5, 1.0));
        for (index, factor) in [(0, 1.01), (17, -1.0), (52, f32::NAN), (30, f32::INFINITY)] {
            let mut gradient = smooth_gradient(&values, &weights);
            gradient[index] *= factor;
            let report = GradientCheck::default()
                .run(&values, &gradient, &choose_indices(53, 53), |moved| smooth_loss(moved, &weights));
            assert!(!report.passed && report.worst == index, "{index} x {factor}: {report}");
        }
    }

    #[test]
    fn not_a_number_in_the_loss_fails() {
        let report = GradientCheck::default().run(&[1.0], &[1.0], &[0], |_| f64::NAN);
        assert!(!report.passed && report.relative_error.is_infinite(), "{report}");
    }

    #[test]
    fn kinks_are_set_aside_and_limited() {
        let relu = |values: &[f32]| values.iter().map(|&value| f64::from(value.max(0.0))).sum::<f64>();
        // Element 0 is at the kink, element 1 is close enough to need a smaller step.
        let mut values = vec![0.0, 0.003];
        values.extend(deterministic_values(5, 40, 0.5, 2.0));
        let gradient = vec![1.0; values.len()];
        let indices = choose_indices(values.len(), values.len());
        let report = GradientCheck::default().run(&values, &gradient, &indices, relu);
        assert!(report.passed, "{report}");
        assert_eq!((report.compared, report.kinks.as_slice()), (41, [0].as_slice()));

        let strict = GradientCheck { kink_share: 0.0, ..GradientCheck::default() };
        assert!(!strict.run(&values, &gradient, &indices, relu).passed);
    }

    #[test]
    fn a_zero_gradient_is_compared_against_the_floor() {
        let report = GradientCheck::default().run(&[0.5, 0.5], &[0.0, 1.0], &[0, 1], |values| f64::from(values[1]));
        assert!(report.passed, "{report}");
        let report = GradientCheck::default().run(&[0.5], &[0.01], &[0], |_| 3.0);
        assert!(!report.passed, "{report}");
    }

    #[test]
    fn chosen_indices_span_the_range() {
        assert_eq!(choose_indices(3, 5), [0, 1, 2]);
        assert_eq!(choose_indices(10, 4), [0, 3, 6, 9]);
        assert_eq!(choose_indices(10, 1), [5]);
        assert!(choose_indices(0, 4).is_empty() && choose_indices(4, 0).is_empty());
    }
}
