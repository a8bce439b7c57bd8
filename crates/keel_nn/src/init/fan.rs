//! Number of connections by which the variance of random weights is divided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;

/// Number of connections by which a variance is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fan {
    /// Number of inputs that each output sums over: keeps the variance of the signal in the forward pass.
    In,
    /// Number of outputs that each input reaches: keeps the variance of the gradient in the backward pass.
    Out,
    /// Mean of both.
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
