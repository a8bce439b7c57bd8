//! The Gaussian error linear unit in its exact form.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts};
use super::normal_distribution::{cumulative, density};

/// The activation `gelu`; it has no keys.
pub(super) struct GeluSpec;

impl GeluSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "gelu",
        summary: "x * Phi(x), Phi the normal distribution function",
        formula: "x Phi(x)",
        derivative: "Phi(x) + x phi(x)",
        when_to_use: "for transformers and deep residual networks",
        source: "Hendrycks, Gimpel: Gaussian error linear units (2016)",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for GeluSpec {
    fn kernel(&self) -> Function {
        Function::Gelu
    }

    fn value(&self, x: f64) -> f64 {
        x * cumulative(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        cumulative(x) + x * density(x)
    }
}
