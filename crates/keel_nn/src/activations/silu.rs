//! The sigmoid linear unit, also called swish.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts};
use super::sigmoid::sigmoid;

/// The activation `silu`; it has no keys.
pub(super) struct SiluSpec;

impl SiluSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "silu",
        summary: "x * sigmoid(x), also called swish",
        formula: "x s(x), s the sigmoid",
        derivative: "s(x) (1 + x (1 - s(x)))",
        when_to_use: "instead of relu in deep convolutional networks",
        source: "Elfwing, Uchibe, Doya: Sigmoid-weighted linear units (2017); Ramachandran, Zoph, Le (2017)",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for SiluSpec {
    fn kernel(&self) -> Function {
        Function::Silu
    }

    fn value(&self, x: f64) -> f64 {
        x * sigmoid(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        sigmoid(x) + x * sigmoid(x) * sigmoid(-x)
    }
}
