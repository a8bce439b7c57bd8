//! The exponential linear unit.

use keel_kernels::activation::Function;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{ActivationDefinition, Facts, Saturation, Setting};

/// Keys of the activation `elu`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EluSpec {
    /// Negative of the limit for large negative inputs.
    pub alpha: f32,
}

impl EluSpec {
    /// The activation with default keys.
    pub const DEFAULT: EluSpec = EluSpec { alpha: 1.0 };

    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "elu",
        summary: "x where positive, alpha * (exp(x) - 1) elsewhere",
        formula: "x above 0, else alpha (exp(x) - 1)",
        derivative: "1 above 0, else alpha exp(x)",
        when_to_use: "instead of relu if the mean of the outputs should be near zero; costs an exponential",
        source: "Clevert, Unterthiner, Hochreiter: Fast and accurate deep network learning by exponential linear \
            units (2015)",
        zero_centred: false,
        piecewise_linear: false,
    };
}

impl Default for EluSpec {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ActivationDefinition for EluSpec {
    fn kernel(&self) -> Function {
        Function::Elu { alpha: self.alpha }
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { f64::from(self.alpha) * x.exp_m1() }
    }

    fn derivative(&self, x: f64) -> f64 {
        if x > 0.0 { 1.0 } else { f64::from(self.alpha) * x.exp() }
    }

    fn kinks(&self) -> &'static [f64] {
        &[0.0]
    }

    /// Returns the range in which the slope is at least 6 % of `alpha`; the positive side never saturates.
    fn saturation(&self) -> Option<Saturation> {
        Some(Saturation { low: -0.9409 * self.alpha, high: f32::INFINITY })
    }

    fn setting(&self) -> Option<Setting> {
        let is_allowed = self.alpha > 0.0 && self.alpha.is_finite();
        Some(Setting { key: "alpha", value: self.alpha, is_allowed, allowed: "above 0" })
    }
}
