//! The slope of a loss along a line by central differences, with the error bound of the measurement.
//!
//! The loss is that of the definitions in f64, so that steps can be short enough for the truncation error to vanish. Kinks
//! (relu, max pooling, hinge) are avoided: a point counts only if every value comes from the same branch as at the centre. The
//! step is shortened if both sides change branches; if only one side does, the other gives the slope, and if no step works
//! there is no slope. Steps are shortened until two slopes agree, or until one agrees with the gradient under test, which is
//! unlikely for a wrong gradient in many directions.

/// Number of step sizes, each shorter than the previous one by [`RATIO`].
const STEP_SIZES: usize = 4;

/// Ratio of two consecutive step sizes.
const RATIO: f64 = 16.0;

/// Maximum relative difference of slopes that agree.
const AGREEMENT: f64 = 1e-4;

/// Loss at one point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) loss: f64,
    /// True if every value comes from the same branch as at the centre.
    pub(super) same_branches: bool,
}

/// Loss along a line through a point.
pub(super) struct Line<'a> {
    /// Returns the loss at this distance from the centre.
    pub(super) sample: &'a mut dyn FnMut(f64) -> Sample,
    /// Loss at the centre.
    pub(super) here: f64,
    /// Rounding error of a loss.
    pub(super) noise: f64,
    /// Maximum step.
    pub(super) step: f64,
}

/// A measured slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slope {
    pub(super) value: f64,
    /// Maximum distance of the true value.
    pub(super) error_bar: f64,
}

impl Line<'_> {
    /// Returns the slope at the centre, where the gradient under test predicts `expected`; `None` if kinks are too close to the
    /// centre.
    pub(super) fn slope(&mut self, expected: f64) -> Option<Slope> {
        let (mut best, mut before) = (None, None);
        let mut step = self.step;
        for _ in 0..STEP_SIZES {
            if let Some(value) = self.difference(step) {
                let confirmed = agree(value, expected) || before.is_some_and(|before| agree(value, before));
                let change = match before {
                    _ if agree(value, expected) => 0.0,
                    Some(before) => f64::abs(value - before),
                    None => f64::INFINITY,
                };
                let slope = Slope { value, error_bar: self.noise / step + change };
                if best.is_none_or(|best: Slope| slope.error_bar < best.error_bar) {
                    best = Some(slope);
                }
                if confirmed {
                    break;
                }
                before = Some(value);
            }
            step /= RATIO;
        }
        best.filter(|slope| slope.error_bar.is_finite())
    }

    /// Returns the slope between the points one step to either side, or between the centre and the one side without a change of
    /// branches.
    fn difference(&mut self, step: f64) -> Option<f64> {
        let right = (self.sample)(step);
        let left = (self.sample)(-step);
        let slope = match [right.same_branches, left.same_branches] {
            [true, true] => (right.loss - left.loss) / (2.0 * step),
            [true, false] => (right.loss - self.here) / step,
            [false, true] => (self.here - left.loss) / step,
            [false, false] => return None,
        };
        slope.is_finite().then_some(slope)
    }
}

/// Returns true if `slope` and `other` agree up to truncation.
fn agree(slope: f64, other: f64) -> bool {
    (slope - other).abs() <= AGREEMENT * slope.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the slope of `loss` at 0, with rounding of f64.
    fn slope(expected: f64, mut loss: impl FnMut(f64) -> Sample) -> Option<Slope> {
        let here = loss(0.0).loss;
        let noise = 2.0 * f64::EPSILON * here.abs();
        Line { sample: &mut loss, here, noise, step: 6e-6 }.slope(expected)
    }

    fn smooth(loss: f64) -> Sample {
        Sample { loss, same_branches: true }
    }

    #[test]
    fn slopes_of_smooth_losses_lie_within_their_error_bars() {
        type Case = (&'static str, fn(f64) -> f64, f64);
        let cases: [Case; 5] = [
            ("line", |x| 3.0 * x, 3.0),
            ("square", |x| (0.7 + x) * (0.7 + x), 1.4),
            ("tanh", |x| (1.0 + x).tanh(), 0.419_974_341_614_026),
            ("on a high plateau", |x| 1000.0 + x, 1.0),
            ("steep within the first step", |x| (x * 1e6).sin(), 1e6),
        ];
        for (name, function, truth) in cases {
            for expected in [truth, 1.01 * truth, 0.0] {
                let slope = slope(expected, |x| smooth(function(x))).unwrap();
                let error = (slope.value - truth).abs();
                assert!(error <= slope.error_bar + AGREEMENT * truth, "{name}: {slope:?}, {truth}");
                assert!(slope.error_bar <= 1e-3 * truth, "{name}: {slope:?}");
            }
        }
    }

    #[test]
    fn kinks_are_stepped_around() {
        let relu_at = |kink: f64| {
            move |x: f64| {
                let above = |x: f64| x > kink;
                Sample { loss: 1.0 + (x - kink).max(0.0), same_branches: above(x) == above(0.0) }
            }
        };
        for (name, kink, truth) in [("at the point", 0.0, 0.0), ("left of it", -1e-7, 1.0), ("right of it", 1e-7, 0.0)]
        {
            for expected in [truth, 0.5] {
                let slope = slope(expected, relu_at(kink)).unwrap();
                assert!((slope.value - truth).abs() <= 1e-6, "{name}: {slope:?}");
            }
        }
        let everywhere = |x: f64| Sample { loss: x.abs(), same_branches: x == 0.0 };
        assert_eq!(slope(0.0, everywhere), None);
    }

    #[test]
    fn a_loss_that_is_no_number_has_no_slope() {
        assert_eq!(slope(1.0, |_| smooth(f64::NAN)), None);
    }
}
