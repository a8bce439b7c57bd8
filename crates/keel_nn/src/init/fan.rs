//! Connections that the variance of random weights is divided by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;

/// Connections a variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fan {
    /// Inputs each output sums over: keeps the signal's variance forward.
    In,
    /// Outputs each input reaches: keeps the gradient's variance backward.
    Out,
    /// The mean of both.
    Average,
}

impl Fan {
    pub(super) fn of(self, spec: &ParameterSpec) -> f32 {
        let (fan_in, fan_out) = (spec.fan_in as f32, spec.fan_out as f32);
        let fan = match self {
            Fan::In => fan_in,
            Fan::Out => fan_out,
            Fan::Average => 0.5 * (fan_in + fan_out),
        };
        fan.max(1.0)
    }

    /// Returns the standard deviation `gain / sqrt(fan)`.
    pub(super) fn std(self, gain: f32, spec: &ParameterSpec) -> f32 {
        gain / self.of(spec).sqrt()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Fan::In => "fan_in",
            Fan::Out => "fan_out",
            Fan::Average => "fan_average",
        }
    }
}
