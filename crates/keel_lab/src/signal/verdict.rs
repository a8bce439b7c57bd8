//! Verdicts on the layers of a stack, based on the trend of a signal: of the outputs in the forward direction, of the
//! gradient in the backward direction.
//!
//! The magnitude at a single layer means little. Xavier's weights under relu leave a sixth of the signal after six
//! layers, which still looks like much, but each layer keeps 1/√2 of its input, and no depth is safe; under tanh the
//! same weights leave half, and the loss per layer vanishes with depth. The trend distinguishes the two.

use keel_kernels::activation::Function;
use keel_page::Text;
use serde::Serialize;

/// State of the signal, or of the gradient, at a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    InRange,
    /// Every layer keeps less than [`KEPT`] of its input.
    Shrinking,
    /// Below a tenth of the initial magnitude.
    TooSmall,
    /// Every layer outputs more than one over [`KEPT`] of its input.
    Growing,
    /// Above ten times the initial magnitude.
    TooLarge,
    /// More than a quarter of the outputs are where the activation is flat.
    Saturated,
}

/// Factor per layer below which a signal counts as shrinking; above its inverse it counts as growing.
pub(crate) const KEPT: f64 = 0.8;
/// Share of the initial magnitude below which a signal is too small; above its inverse it is too large.
const REMAINDER: f64 = 0.1;
/// Share of flat outputs above which a layer is saturated.
const FLAT_SHARE: f64 = 0.25;
/// Derivative relative to the largest one below which a function is flat: for tanh where |h| > 0.99.
const FLAT: f32 = 0.0199;

/// Returns the verdicts on the magnitudes of a signal along its way, beginning with the initial one.
pub(crate) fn along(sizes: &[f64]) -> Vec<Verdict> {
    let start = sizes.first().copied().unwrap_or(0.0);
    let factor = factor_per_layer(sizes);
    let verdict = |(place, &size): (usize, &f64)| match () {
        // NaN is not in range, either.
        () if !(size > REMAINDER * start) => Verdict::TooSmall,
        () if size > start / REMAINDER => Verdict::TooLarge,
        () if place > 0 && factor < KEPT => Verdict::Shrinking,
        () if place > 0 && factor > 1.0 / KEPT => Verdict::Growing,
        () => Verdict::InRange,
    };
    sizes.iter().enumerate().map(verdict).collect()
}

/// Returns the factor from one layer to the next, as a geometric mean over the second half of the way, which a deeper
/// stack would continue with. 1 if there is no next layer.
fn factor_per_layer(sizes: &[f64]) -> f64 {
    let Some(last) = sizes.len().checked_sub(1).filter(|&last| last > 0) else { return 1.0 };
    let from = (sizes.len() / 2).min(last - 1);
    let ratio = sizes[last].max(f64::MIN_POSITIVE) / sizes[from].max(f64::MIN_POSITIVE);
    ratio.powf(1.0 / (last - from) as f64)
}

/// Returns the factor from one layer to the next, as a geometric mean over the whole way. 1 if there is no next layer.
pub(crate) fn mean_factor(sizes: &[f64]) -> f64 {
    let [first, .., last] = sizes else { return 1.0 };
    (last.max(f64::MIN_POSITIVE) / first.max(f64::MIN_POSITIVE)).powf(1.0 / (sizes.len() - 1) as f64)
}

impl Verdict {
    /// Returns the displayed name.
    pub(crate) fn title(self) -> Text {
        match self {
            Verdict::InRange => Text::new("in range", "正常"),
            Verdict::Shrinking => Text::new("shrinking", "逐层缩小"),
            Verdict::TooSmall => Text::new("too small", "过小"),
            Verdict::Growing => Text::new("growing", "逐层放大"),
            Verdict::TooLarge => Text::new("too large", "过大"),
            Verdict::Saturated => Text::new("saturated", "饱和"),
        }
    }

    /// Returns the verdict on a layer whose signal has this verdict and of whose outputs `share` are where the
    /// activation is flat.
    pub(crate) fn with_flat_share(self, share: f64) -> Verdict {
        if self == Verdict::InRange && share > FLAT_SHARE { Verdict::Saturated } else { self }
    }
}

/// Detects the flat zones of an activation, where its derivative is almost zero and it approaches a value that it never
/// passes. A leaky relu has a small slope below zero but no limit, so it does not saturate. Neither does relu at its
/// zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flatness {
    function: Function,
    largest_slope: f32,
    /// True if bounded on the negative side, and true if bounded on the positive side.
    ends: [bool; 2],
}

impl Flatness {
    /// Returns the flat zones of a function.
    pub(crate) fn of(function: Function) -> Self {
        let largest_slope = (-800..=800).map(|x| function.derivative(x as f32 * 0.01).abs()).fold(0.0, f32::max);
        let ends = [-1.0_f32, 1.0].map(|side| (function.value(1e4 * side) - function.value(1e3 * side)).abs() < 1e-3);
        Flatness { function, largest_slope, ends }
    }

    /// Returns true if `z` lies in a flat zone; a value of exactly 0 is an inactive unit, not a saturated one.
    pub(crate) fn holds(&self, z: f32) -> bool {
        let flat = self.function.derivative(z).abs() < FLAT * self.largest_slope;
        flat && self.ends[usize::from(z > 0.0)] && self.function.value(z) != 0.0
    }
}

#[cfg(test)]
mod tests {
    use keel_nn::activations::Activation;

    use super::*;

    /// Returns the magnitudes of `layers` layers that each multiply by `factor`.
    fn geometric(factor: f64, layers: i32) -> Vec<f64> {
        (0..layers).map(|layer| factor.powi(layer)).collect()
    }

    #[test]
    fn a_steady_loss_is_told_from_one_that_fades() {
        use Verdict::{Growing, InRange, Shrinking, TooLarge, TooSmall};
        let fading: Vec<f64> = (1..=40).map(|layer| 0.63 / f64::from(layer).sqrt()).collect();
        let cases: [(&str, Vec<f64>, Vec<Verdict>); 9] = [
            ("nothing changes", geometric(1.0, 6), vec![InRange; 6]),
            ("Xavier under relu", geometric(0.5_f64.sqrt(), 6), [vec![InRange], vec![Shrinking; 5]].concat()),
            ("0.01 under tanh", geometric(0.6, 6), [vec![InRange], vec![Shrinking; 4], vec![TooSmall]].concat()),
            ("too large under relu", geometric(2.2, 4), [vec![InRange], vec![Growing; 2], vec![TooLarge]].concat()),
            ("like 1/√l", fading, vec![InRange; 40]),
            ("nothing arrives", vec![1.0, 0.0, 0.0], vec![InRange, TooSmall, TooSmall]),
            ("nothing starts", vec![0.0, 0.0], vec![TooSmall; 2]),
            ("no number", vec![1.0, f64::NAN], vec![InRange, TooSmall]),
            ("one layer", vec![3.0], vec![InRange]),
        ];
        for (name, sizes, expected) in cases {
            assert_eq!(along(&sizes), expected, "{name}");
        }
        assert!((factor_per_layer(&geometric(0.7, 9)) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn flat_zones_are_those_of_functions_that_end_there() {
        let cases = [
            (Activation::Tanh, [true, false, true]),
            (Activation::Sigmoid, [true, false, true]),
            (Activation::Relu, [false; 3]),
            (Activation::named("leaky_relu").unwrap(), [false; 3]),
            (Activation::named("elu").unwrap(), [true, false, false]),
            (Activation::Identity, [false; 3]),
        ];
        for (activation, expected) in cases {
            let flatness = Flatness::of(activation.initial_function());
            assert_eq!([-8.0, 0.5, 8.0].map(|z| flatness.holds(z)), expected, "{}", activation.name());
        }
        assert_eq!(Verdict::InRange.with_flat_share(0.3), Verdict::Saturated);
        assert_eq!(Verdict::InRange.with_flat_share(0.2), Verdict::InRange);
        assert_eq!(Verdict::Growing.with_flat_share(0.9), Verdict::Growing, "the trend is the graver one");
    }
}
