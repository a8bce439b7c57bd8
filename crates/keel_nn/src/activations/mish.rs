//! Mish.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts};
use super::sigmoid::sigmoid;
use super::softplus::softplus;

/// The activation `mish`; it has no keys.
pub(super) struct MishSpec;

impl MishSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "mish",
        summary: "x * tanh(softplus(x))",
        formula: "x tanh(ln(1 + exp(x)))",
        derivative: "t + x s(x) (1 - t^2) with t = tanh(ln(1 + exp(x)))",
        when_to_use: "like silu, slightly smoother and more expensive",
        source: "Misra: Mish, a self regularized non-monotonic activation function (2019)",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for MishSpec {
    fn kernel(&self) -> Function {
        Function::Mish
    }

    fn value(&self, x: f64) -> f64 {
        x * softplus(x).tanh()
    }

    fn derivative(&self, x: f64) -> f64 {
        let t = softplus(x).tanh();
        t + x * (1.0 - t * t) * sigmoid(x)
    }
}
