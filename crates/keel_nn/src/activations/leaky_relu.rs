//! The rectified linear unit with a fixed slope on the negative side.

use keel_kernels::activation::Function;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{ActivationDefinition, Facts, Setting};
use super::gain::Gain;

/// Keys of the activation `leaky_relu`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyReluSpec {
    /// Slope for negative inputs.
    pub slope: f32,
}

impl LeakyReluSpec {
    /// The activation with default keys.
    pub const DEFAULT: LeakyReluSpec = LeakyReluSpec { slope: 0.01 };

    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "leaky_relu",
        summary: "x where positive, slope * x elsewhere",
        formula: "x above 0, else slope * x",
        derivative: "1 above 0, else slope",
        when_to_use: "instead of relu if units die",
        source: "Maas, Hannun, Ng: Rectifier nonlinearities improve neural network acoustic models (2013)",
        zero_centred: false,
        piecewise_linear: true,
    };
}

impl Default for LeakyReluSpec {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ActivationDefinition for LeakyReluSpec {
    fn kernel(&self) -> Function {
        Function::LeakyRelu { slope: self.slope }
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { f64::from(self.slope) * x }
    }

    fn derivative(&self, x: f64) -> f64 {
        if x > 0.0 { 1.0 } else { f64::from(self.slope) }
    }

    fn kinks(&self) -> &'static [f64] {
        &[0.0]
    }

    /// Returns sqrt(2 / (1 + slope^2)) (He et al. 2015).
    fn gain(&self) -> Gain {
        Gain::Fixed((2.0 / (1.0 + self.slope * self.slope)).sqrt())
    }

    fn setting(&self) -> Option<Setting> {
        let is_allowed = self.slope >= 0.0 && self.slope.is_finite();
        Some(Setting { key: "slope", value: self.slope, is_allowed, allowed: "0 or more" })
    }
}
