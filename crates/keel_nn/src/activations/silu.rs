//! The sigmoid linear unit, also called swish.
//!
//! f(x) = x s(x), s the sigmoid; derivative: s(x) (1 + x (1 - s(x))).
//! Use: instead of relu in deep convolutional networks.
//! Source: Elfwing, Uchibe, Doya: Sigmoid-weighted linear units (2017); Ramachandran, Zoph, Le (2017).

use super::Facts;

/// What the catalog says about `silu`.
pub(super) const FACTS: Facts = Facts {
    name: "silu",
    summary: "x * sigmoid(x), also called swish",
    formula: "x s(x), s the sigmoid",
    derivative: "s(x) (1 + x (1 - s(x)))",
    when_to_use: "instead of relu in deep convolutional networks",
    source: "Elfwing, Uchibe, Doya: Sigmoid-weighted linear units (2017); Ramachandran, Zoph, Le (2017)",
    zero_centred: false,
    piecewise_linear: false,
};
