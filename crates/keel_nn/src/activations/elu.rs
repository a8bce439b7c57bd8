//! The exponential linear unit.
//!
//! f(x) = x above 0, else alpha (exp(x) - 1); derivative: 1 above 0, else alpha exp(x).
//! Use: instead of relu where means near zero matter; costs an exponential.
//! Source: Clevert, Unterthiner, Hochreiter: Fast and accurate deep network learning by exponential linear units (2015).

use super::{Facts, Saturation};

/// What the catalog says about `elu`.
pub(super) const FACTS: Facts = Facts {
    name: "elu",
    summary: "x where positive, alpha * (exp(x) - 1) elsewhere",
    formula: "x above 0, else alpha (exp(x) - 1)",
    derivative: "1 above 0, else alpha exp(x)",
    when_to_use: "instead of relu where means near zero matter; costs an exponential",
    source: "Clevert, Unterthiner, Hochreiter: Fast and accurate deep network learning by exponential linear \
        units (2015)",
    zero_centred: false,
    piecewise_linear: false,
};

/// Where the slope is below 6 % of `alpha`; the positive side never saturates.
pub(super) fn saturation(alpha: f32) -> Saturation {
    Saturation { low: -0.9409 * alpha, high: f32::INFINITY }
}
