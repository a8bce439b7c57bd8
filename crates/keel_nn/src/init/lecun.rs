//! LeCun, Bottou, Orr, Muller (1998): variance 1 / fan_in, the fixed point selu is made for.

use super::Fan;
use super::ParameterSpec;

/// 1 / sqrt(fan_in).
pub(super) fn std(spec: &ParameterSpec) -> f32 {
    1.0 / Fan::In.of(spec).sqrt()
}
