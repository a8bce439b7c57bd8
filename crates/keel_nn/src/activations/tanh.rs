//! The hyperbolic tangent.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts, Saturation, WeightScheme};
use super::gain::Gain;

/// The activation `tanh`; it has no keys.
pub(super) struct TanhSpec;

impl TanhSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "tanh",
        summary: "hyperbolic tangent, between -1 and 1",
        formula: "tanh(x)",
        derivative: "1 - tanh(x)^2",
        when_to_use: "for shallow networks with xavier initialisation; saturates like sigmoid, but is zero-centred",
        source: "LeCun, Bottou, Orr, Muller: Efficient BackProp (1998), section 4.4",
        zero_centred: true,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for TanhSpec {
    fn kernel(&self) -> Function {
        Function::Tanh
    }

    fn value(&self, x: f64) -> f64 {
        x.tanh()
    }

    fn derivative(&self, x: f64) -> f64 {
        1.0 - x.tanh().powi(2)
    }

    /// Returns 5/3, the customary value; `auto` initialises with 1, following the derivation by Glorot & Bengio (2010).
    fn gain(&self) -> Gain {
        Gain::Fixed(5.0 / 3.0)
    }

    fn weight_scheme(&self) -> WeightScheme {
        WeightScheme::Xavier
    }

    /// Returns the range in which the slope is at least 6 % of its maximum.
    fn saturation(&self) -> Option<Saturation> {
        Some(Saturation { low: -0.97, high: 0.97 })
    }
}
