//! The rectified linear unit with a learned slope for each channel.
//!
//! f(x) = x above 0, else slope[channel] * x; derivative: 1 above 0, else slope[channel]; by the slope: x where not positive.
//! Use: instead of relu with enough data; its slopes get no weight decay.
//! Source: He, Zhang, Ren, Sun: Delving deep into rectifiers (2015).

use super::Facts;

/// What the catalog says about `prelu`.
pub(super) const FACTS: Facts = Facts {
    name: "prelu",
    summary: "leaky_relu with a learned slope per channel",
    formula: "x above 0, else slope[channel] * x",
    derivative: "1 above 0, else slope[channel]; by the slope: x where not positive",
    when_to_use: "instead of relu with enough data; its slopes get no weight decay",
    source: "He, Zhang, Ren, Sun: Delving deep into rectifiers (2015)",
    zero_centred: false,
    piecewise_linear: true,
};
