//! The hyperbolic tangent.
//!
//! f(x) = tanh(x); derivative: 1 - tanh(x)^2.
//! Use: shallow networks with xavier initialisation; saturates like sigmoid, but is zero-centred.
//! Source: LeCun, Bottou, Orr, Muller: Efficient BackProp (1998), section 4.4.

use super::{Facts, Gain, Saturation};

/// What the catalog says about `tanh`.
pub(super) const FACTS: Facts = Facts {
    name: "tanh",
    summary: "hyperbolic tangent, between -1 and 1",
    formula: "tanh(x)",
    derivative: "1 - tanh(x)^2",
    when_to_use: "shallow networks with xavier initialisation; saturates like sigmoid, but is zero-centred",
    source: "LeCun, Bottou, Orr, Muller: Efficient BackProp (1998), section 4.4",
    zero_centred: true,
    piecewise_linear: false,
};

/// 5/3, the customary value; `auto` initialises with 1, as the derivation by Glorot & Bengio (2010) does.
pub(super) const GAIN: Gain = Gain::Fixed(5.0 / 3.0);

/// Where the slope is below 6 % of its largest.
pub(super) const SATURATION: Saturation = Saturation { low: -0.97, high: 0.97 };
