//! Mish.
//!
//! f(x) = x tanh(ln(1 + exp(x))); derivative: t + x s(x) (1 - t^2) with t = tanh(ln(1 + exp(x))).
//! Use: as silu, a little smoother and dearer.
//! Source: Misra: Mish, a self regularized non-monotonic activation function (2019).

use super::Facts;

/// What the catalog says about `mish`.
pub(super) const FACTS: Facts = Facts {
    name: "mish",
    summary: "x * tanh(softplus(x))",
    formula: "x tanh(ln(1 + exp(x)))",
    derivative: "t + x s(x) (1 - t^2) with t = tanh(ln(1 + exp(x)))",
    when_to_use: "as silu, a little smoother and dearer",
    source: "Misra: Mish, a self regularized non-monotonic activation function (2019)",
    zero_centred: false,
    piecewise_linear: false,
};
