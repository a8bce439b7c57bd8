//! A smooth form of relu.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts};
use super::sigmoid::sigmoid;

/// The activation `softplus`; it has no keys.
pub(super) struct SoftplusSpec;

impl SoftplusSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "softplus",
        summary: "ln(1 + exp(x)), a smooth relu",
        formula: "ln(1 + exp(x))",
        derivative: "1 / (1 + exp(-x))",
        when_to_use: "for outputs that must be positive; rarely used in hidden layers",
        source: "Dugas, Bengio, Belisle, Nadeau, Garcia (2001)",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for SoftplusSpec {
    fn kernel(&self) -> Function {
        Function::Softplus
    }

    fn value(&self, x: f64) -> f64 {
        softplus(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        sigmoid(x)
    }
}

/// Returns `ln(1 + exp(x))`, computed without overflow.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
