//! The logistic function.
//!
//! s(x) = 1 / (1 + exp(-x)); derivative: s (1 - s), 1/4 at most.
//! Use: as a gate or a probability at the output; in hidden layers it saturates and its outputs are all positive.
//! Source: LeCun, Bottou, Orr, Muller: Efficient BackProp (1998), section 4.4.

use super::{Facts, Gain, Saturation};

/// What the catalog says about `sigmoid`.
pub(super) const FACTS: Facts = Facts {
    name: "sigmoid",
    summary: "1 / (1 + exp(-x)), between 0 and 1",
    formula: "s(x) = 1 / (1 + exp(-x))",
    derivative: "s (1 - s), 1/4 at most",
    when_to_use: "as a gate or a probability at the output; in hidden layers it saturates and its outputs are all \
        positive",
    source: "LeCun, Bottou, Orr, Muller: Efficient BackProp (1998), section 4.4",
    zero_centred: false,
    piecewise_linear: false,
};

/// 1, the customary value; it lets the signal shrink, since the slope at 0 is 1/4.
pub(super) const GAIN: Gain = Gain::Fixed(1.0);

/// Where the slope is below 6 % of its largest.
pub(super) const SATURATION: Saturation = Saturation { low: 0.015, high: 0.985 };
