//! He, Zhang, Ren, Sun (2015): keeps the variance through activations that cut off a share of the second moment.

use super::Fan;
use super::ParameterSpec;

/// gain / sqrt(fan), sqrt(2 / fan_in) before relu; a missing gain counts as 1.
pub(super) fn std(gain: Option<f32>, fan: Fan, spec: &ParameterSpec) -> f32 {
    gain.unwrap_or(1.0) / fan.of(spec).sqrt()
}
