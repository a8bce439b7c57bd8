//! A smooth form of relu.
//!
//! f(x) = ln(1 + exp(x)); derivative: 1 / (1 + exp(-x)).
//! Use: for outputs that must be positive; seldom in hidden layers.
//! Source: Dugas, Bengio, Belisle, Nadeau, Garcia (2001).

use super::Facts;

/// What the catalog says about `softplus`.
pub(super) const FACTS: Facts = Facts {
    name: "softplus",
    summary: "ln(1 + exp(x)), a smooth relu",
    formula: "ln(1 + exp(x))",
    derivative: "1 / (1 + exp(-x))",
    when_to_use: "for outputs that must be positive; seldom in hidden layers",
    source: "Dugas, Bengio, Belisle, Nadeau, Garcia (2001)",
    zero_centred: false,
    piecewise_linear: false,
};
