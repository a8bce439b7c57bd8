//! The identity.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts, WeightScheme};
use super::gain::Gain;

/// The activation `identity`; it has no keys.
pub(super) struct IdentitySpec;

impl IdentitySpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "identity",
        summary: "x",
        formula: "x",
        derivative: "1",
        when_to_use: "after the last layer of a regression, or to disable an activation",
        source: "none",
        zero_centred: true,
        piecewise_linear: true,
    };
}

impl ActivationDefinition for IdentitySpec {
    fn kernel(&self) -> Function {
        Function::Identity
    }

    fn value(&self, x: f64) -> f64 {
        x
    }

    fn derivative(&self, _x: f64) -> f64 {
        1.0
    }

    /// Returns 1.
    fn gain(&self) -> Gain {
        Gain::Fixed(1.0)
    }

    fn weight_scheme(&self) -> WeightScheme {
        WeightScheme::Lecun
    }
}
