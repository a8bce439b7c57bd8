//! The identity.
//!
//! f(x) = x; derivative: 1.
//! Use: after the last layer of a regression, or to switch an activation off.
//! Source: none.

use super::{Facts, Gain};

/// What the catalog says about `identity`.
pub(super) const FACTS: Facts = Facts {
    name: "identity",
    summary: "x",
    formula: "x",
    derivative: "1",
    when_to_use: "after the last layer of a regression, or to switch an activation off",
    source: "none",
    zero_centred: true,
    piecewise_linear: true,
};

/// 1.
pub(super) const GAIN: Gain = Gain::Fixed(1.0);
