//! The slope of a single-precision loss along a direction, with the error bar of the measurement.
//!
//! The forward pass is f32, so a difference of losses carries rounding noise of a size that does not shrink with the
//! step, while the truncation error of a centred difference does. Neither is guessed: the noise is measured by moving
//! every parameter by a few units in the last place, and the truncation error is read off three step sizes. Slopes at
//! several step sizes, each a quarter of the one before, are combined in pairs by Richardson's rule; the pair with the
//! smallest error bar is taken, without a look at the gradient it will be compared with.
//!
//! Source of the idea to measure the noise: Moré and Wild, "Estimating computational noise" (2011).

/// Step sizes tried, each a quarter of the one before.
const STEP_SIZES: usize = 7;

/// Change of the loss the largest step aims at, as a share of the loss.
const AIM: f64 = 0.02;

/// Largest step, as a share of the typical size of the parameters moved.
const REACH: f64 = 0.2;

/// Parameters smaller than this are moved as if they had this size.
const SMALLEST_SCALE: f64 = 0.03;

/// Moves by a few units in the last place that measure the rounding noise of the loss.
const NOISE_SAMPLES: u64 = 6;

/// A loss over a vector of parameters, at one point.
pub(super) struct Landscape<'a> {
    /// The parameters at the point.
    centre: &'a [f32],
    /// A copy that is moved.
    moved: Vec<f32>,
    loss: &'a mut dyn FnMut(&[f32]) -> f64,
    here: f64,
    /// How far rounding moves the loss.
    noise: f64,
}

/// A direction within a stretch of the parameters.
pub(super) struct Direction {
    /// First parameter it moves.
    pub(super) start: usize,
    /// How far it moves each, `[length]`.
    pub(super) values: Vec<f32>,
}

/// A measured slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slope {
    /// Derivative of the loss along the direction, to the left and to the right of the point; the same but at a kink.
    pub(super) sides: [f64; 2],
    /// How far the truth may be from it.
    pub(super) error_bar: f64,
}

/// Losses one step to either side.
#[derive(Clone, Copy)]
struct Differences {
    step: f64,
    centred: f64,
    /// Slope to the right minus slope to the left.
    bend: f64,
}

impl<'a> Landscape<'a> {
    /// Looks at `loss` around `centre`. `None` if the loss there is no finite number.
    pub(super) fn new(centre: &'a [f32], loss: &'a mut dyn FnMut(&[f32]) -> f64) -> Option<Self> {
        let here = loss(centre);
        let mut landscape = Landscape { centre, moved: centre.to_vec(), loss, here, noise: 0.0 };
        landscape.noise = landscape.measure_noise();
        (here.is_finite() && landscape.noise.is_finite()).then_some(landscape)
    }

    /// The slope along `direction`; `expected`, from the gradient under test, only chooses the largest step, of which
    /// `share` is taken.
    pub(super) fn slope(&mut self, direction: &Direction, expected: f64, share: f64) -> Slope {
        let mut step = share * self.largest_step(direction, expected);
        let mut best: Option<Slope> = None;
        let mut coarse = self.differences(direction, step);
        let mut before = f64::INFINITY;
        for _ in 1..STEP_SIZES {
            step /= 4.0;
            let fine = self.differences(direction, step);
            let mut slope = self.combined(coarse, fine);
            // Where the loss is smooth the change falls by 16 with every quarter; kinks between the points move the slopes
            // erratically, and two that agree by chance are not believed.
            let change = (coarse.centred - fine.centred).abs();
            if !(6.0 * change <= before) || before.is_infinite() {
                slope.error_bar += 2.0 * (change + before.min(f64::MAX / 8.0));
            }
            if best.is_none_or(|best| !(best.error_bar <= slope.error_bar)) {
                best = Some(slope);
            }
            (coarse, before) = (fine, change);
        }
        best.unwrap_or(Slope { sides: [f64::NAN; 2], error_bar: f64::INFINITY })
    }

    fn largest_step(&self, direction: &Direction, expected: f64) -> f64 {
        let centre = &self.centre[direction.start..][..direction.values.len()];
        let mean_square = centre.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / centre.len() as f64;
        let spread: f64 = direction.values.iter().map(|value| f64::from(value.abs())).sum();
        let energy: f64 = direction.values.iter().map(|value| f64::from(*value).powi(2)).sum();
        let reach = REACH * mean_square.sqrt().max(SMALLEST_SCALE) * spread / energy;
        let aimed = AIM * self.here.abs().max(1e-3) / expected.abs();
        if aimed < reach { aimed } else { reach }
    }

    fn differences(&mut self, direction: &Direction, step: f64) -> Differences {
        let (above, right) = self.loss_at(direction, step);
        let (below, left) = self.loss_at(direction, -step);
        Differences {
            step: (right + left) / 2.0,
            centred: (above - below) / (right + left),
            bend: (above - self.here) / right - (self.here - below) / left,
        }
    }

    /// The loss `step` along the direction, and how far single precision really went.
    fn loss_at(&mut self, direction: &Direction, step: f64) -> (f64, f64) {
        let range = direction.start..direction.start + direction.values.len();
        let (mut along, mut energy) = (0.0, 0.0);
        for ((moved, centre), value) in
            self.moved[range.clone()].iter_mut().zip(&self.centre[range.clone()]).zip(&direction.values)
        {
            *moved = (f64::from(*centre) + step * f64::from(*value)) as f32;
            along += (f64::from(*moved) - f64::from(*centre)) * f64::from(*value);
            energy += f64::from(*value).powi(2);
        }
        let loss = (self.loss)(&self.moved);
        self.moved[range.clone()].copy_from_slice(&self.centre[range]);
        (loss, (along / energy).abs())
    }

    /// Richardson's rule for steps h and h / 4: the error of order h^2 falls by 16. A kink at the point keeps its bend
    /// however small the step; then each side has its own slope.
    fn combined(&self, coarse: Differences, fine: Differences) -> Slope {
        let rounding = 2.0 * self.noise / fine.step;
        let truncation = (coarse.centred - fine.centred).abs();
        let kinked = fine.bend.abs() > 2.0 * rounding && fine.bend.abs() > 0.7 * coarse.bend.abs();
        if kinked {
            let drift = (coarse.bend - fine.bend).abs();
            let sides = [fine.centred - fine.bend / 2.0, fine.centred + fine.bend / 2.0];
            return Slope { sides, error_bar: rounding + truncation + drift };
        }
        let slope = fine.centred + (fine.centred - coarse.centred) / 15.0;
        Slope { sides: [slope; 2], error_bar: rounding + truncation / 4.0 }
    }

    /// The largest change of the loss when every parameter moves by a few units in the last place.
    fn measure_noise(&mut self) -> f64 {
        let key = keel_nn::RandomKey::new(0).named("rounding");
        let mut noise = f64::from(f32::EPSILON) * self.here.abs() / 4.0;
        for sample in 0..NOISE_SAMPLES {
            let key = key.child(sample);
            for (index, (moved, centre)) in self.moved.iter_mut().zip(self.centre).enumerate() {
                let units = (key.bits(index as u64) % 5) as f32 - 2.0;
                *moved = centre * (1.0 + units * f32::EPSILON);
            }
            let change = ((self.loss)(&self.moved) - self.here).abs();
            noise = if change <= noise { noise } else { change };
        }
        self.moved.copy_from_slice(self.centre);
        noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(centre: &[f32], values: &[f32], mut loss: impl FnMut(&[f32]) -> f64) -> Slope {
        let mut landscape = Landscape::new(centre, &mut loss).unwrap();
        landscape.slope(&Direction { start: 0, values: values.to_vec() }, 1.0, 1.0)
    }

    #[test]
    fn error_bars_cover_the_error_of_single_precision_losses() {
        type Case = (&'static str, fn(f32) -> f32, f32, f64);
        let cases: [Case; 5] = [
            ("line", |x| 3.0 * x, 0.5, 3.0),
            ("square", |x| x * x, 0.7, 1.4),
            ("tanh", f32::tanh, 1.0, 0.419_974_34),
            ("on a high plateau", |x| 1000.0 + x, 0.5, 1.0),
            ("constant", |_| 2.0, 0.5, 0.0),
        ];
        for (name, function, at, expected) in cases {
            let slope = slope(&[at], &[1.0], |values| f64::from(function(values[0])));
            let error = (slope.sides[0] - expected).abs();
            assert!(error <= slope.error_bar, "{name}: {slope:?}, expected {expected}");
            assert_eq!(slope.sides[0], slope.sides[1], "{name}");
        }
        let plateau = slope(&[0.5], &[1.0], |values| f64::from(1000.0 + values[0]));
        let line = slope(&[0.5], &[1.0], |values| f64::from(values[0]));
        assert!(plateau.error_bar > 10.0 * line.error_bar, "noise is measured: {plateau:?} {line:?}");
    }

    #[test]
    fn a_kink_at_the_point_has_two_sides_and_one_beside_it_does_not_matter() {
        let relu = |values: &[f32]| f64::from(values[0].max(0.0)) + 1.0;
        let at = slope(&[0.0], &[1.0], relu);
        assert!(at.sides[0].abs() < 1e-3 && (at.sides[1] - 1.0).abs() < 1e-3, "{at:?}");
        let beside = slope(&[0.001], &[1.0], relu);
        assert!((beside.sides[0] - 1.0).abs() <= beside.error_bar.max(1e-3) && beside.error_bar < 0.1, "{beside:?}");
    }

    #[test]
    fn a_loss_that_is_no_number_has_no_slope() {
        assert!(Landscape::new(&[1.0], &mut |_| f64::NAN).is_none());
    }
}
