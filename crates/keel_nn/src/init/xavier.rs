//! Glorot & Bengio (2010): keeps the variance of a symmetric activation of slope 1 around 0, forward and backward.

use super::Fan;
use super::ParameterSpec;

/// gain / sqrt(fan). With the average fan that is sqrt(2 / (fan_in + fan_out)); with fan_in the form courses show.
pub(super) fn std(gain: f32, fan: Fan, spec: &ParameterSpec) -> f32 {
    gain / fan.of(spec).sqrt()
}
