//! The rectified linear unit with a learned slope for each channel.

use keel_kernels::activation::Function;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{ActivationDefinition, Facts, Setting};
use super::gain::Gain;

/// Keys of the activation `prelu`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreluSpec {
    /// Slope for negative inputs before training.
    pub slope: f32,
}

impl PreluSpec {
    /// The activation with default keys.
    pub const DEFAULT: PreluSpec = PreluSpec { slope: 0.25 };

    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "prelu",
        summary: "leaky_relu with a learned slope per channel",
        formula: "x above 0, else slope[channel] * x",
        derivative: "1 above 0, else slope[channel]; with respect to the slope: x where not positive",
        when_to_use: "instead of relu if there is enough data; weight decay does not apply to its slopes",
        source: "He, Zhang, Ren, Sun: Delving deep into rectifiers (2015)",
        zero_centred: false,
        piecewise_linear: true,
    };
}

impl Default for PreluSpec {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ActivationDefinition for PreluSpec {
    fn kernel(&self) -> Function {
        Function::LeakyRelu { slope: self.slope }
    }

    fn value(&self, x: f64) -> f64 {
        value(f64::from(self.slope), x)
    }

    fn derivative(&self, x: f64) -> f64 {
        derivative(f64::from(self.slope), x)
    }

    fn kinks(&self) -> &'static [f64] {
        &[0.0]
    }

    /// Returns sqrt(2 / (1 + slope^2)) (He et al. 2015).
    fn gain(&self) -> Gain {
        Gain::Fixed((2.0 / (1.0 + self.slope * self.slope)).sqrt())
    }

    fn setting(&self) -> Option<Setting> {
        let is_allowed = self.slope.is_finite();
        Some(Setting { key: "slope", value: self.slope, is_allowed, allowed: "a finite number" })
    }

    fn learned_slope(&self) -> Option<f32> {
        Some(self.slope)
    }
}

/// Returns `f(x)` for the slope of one channel.
pub(crate) fn value(slope: f64, x: f64) -> f64 {
    if x > 0.0 { x } else { slope * x }
}

/// Returns `f'(x)` for the slope of one channel.
pub(crate) fn derivative(slope: f64, x: f64) -> f64 {
    if x > 0.0 { 1.0 } else { slope }
}

/// Returns the derivative of `f(x)` with respect to the slope.
pub(crate) fn slope_derivative(x: f64) -> f64 {
    if x > 0.0 { 0.0 } else { x }
}
