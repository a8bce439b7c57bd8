//! A piecewise quadratic stand-in for silu.
//!
//! f(x) = x clamp(x + 3, 0, 6) / 6; derivative: 0 up to -3, 1 above 3, else (2 x + 3) / 6.
//! Use: as silu where exponentials cost too much.
//! Source: Howard et al.: Searching for MobileNetV3 (2019).

use super::Facts;

/// What the catalog says about `hard_swish`.
pub(super) const FACTS: Facts = Facts {
    name: "hard_swish",
    summary: "x * clamp(x + 3, 0, 6) / 6, a cheap silu",
    formula: "x clamp(x + 3, 0, 6) / 6",
    derivative: "0 up to -3, 1 above 3, else (2 x + 3) / 6",
    when_to_use: "as silu where exponentials cost too much",
    source: "Howard et al.: Searching for MobileNetV3 (2019)",
    zero_centred: false,
    piecewise_linear: false,
};
