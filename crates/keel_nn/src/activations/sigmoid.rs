//! The logistic function.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts, Saturation, WeightScheme};
use super::gain::Gain;

/// The activation `sigmoid`; it has no keys.
pub(super) struct SigmoidSpec;

impl SigmoidSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "sigmoid",
        summary: "1 / (1 + exp(-x)), between 0 and 1",
        formula: "s(x) = 1 / (1 + exp(-x))",
        derivative: "s (1 - s), 1/4 at most",
        when_to_use: "as a gate or a probability at the output; in hidden layers it saturates and its outputs are all \
            positive",
        source: "LeCun, Bottou, Orr, Muller: Efficient BackProp (1998), section 4.4",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for SigmoidSpec {
    fn kernel(&self) -> Function {
        Function::Sigmoid
    }

    fn value(&self, x: f64) -> f64 {
        sigmoid(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        sigmoid(x) * sigmoid(-x)
    }

    /// Returns 1, the customary value; the signal shrinks, since the slope at 0 is 1/4.
    fn gain(&self) -> Gain {
        Gain::Fixed(1.0)
    }

    fn weight_scheme(&self) -> WeightScheme {
        WeightScheme::Xavier
    }

    /// Returns the range in which the slope is at least 6 % of its maximum.
    fn saturation(&self) -> Option<Saturation> {
        Some(Saturation { low: 0.015, high: 0.985 })
    }
}

/// Returns `1 / (1 + exp(-x))`.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
