//! A piecewise quadratic approximation of silu.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts};

/// The activation `hard_swish`; it has no keys.
pub(super) struct HardSwishSpec;

impl HardSwishSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "hard_swish",
        summary: "x * clamp(x + 3, 0, 6) / 6, a cheap approximation of silu",
        formula: "x clamp(x + 3, 0, 6) / 6",
        derivative: "0 up to -3, 1 above 3, else (2 x + 3) / 6",
        when_to_use: "instead of silu if exponentials are too expensive",
        source: "Howard et al.: Searching for MobileNetV3 (2019)",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for HardSwishSpec {
    fn kernel(&self) -> Function {
        Function::HardSwish
    }

    fn value(&self, x: f64) -> f64 {
        x * (x + 3.0).clamp(0.0, 6.0) / 6.0
    }

    fn derivative(&self, x: f64) -> f64 {
        match x {
            x if x <= -3.0 => 0.0,
            x if x <= 3.0 => (2.0 * x + 3.0) / 6.0,
            _ => 1.0,
        }
    }

    fn kinks(&self) -> &'static [f64] {
        &[-3.0, 3.0]
    }
}
