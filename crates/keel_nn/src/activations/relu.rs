//! The rectified linear unit.
//!
//! f(x) = max(0, x); derivative: 1 above 0, else 0.
//! Use: the default; mind the learning rate, since a unit that is never positive gets no gradient.
//! Source: Nair, Hinton: Rectified linear units improve restricted Boltzmann machines (2010).

use super::{Facts, Gain};

/// What the catalog says about `relu`.
pub(super) const FACTS: Facts = Facts {
    name: "relu",
    summary: "max(0, x)",
    formula: "max(0, x)",
    derivative: "1 above 0, else 0",
    when_to_use: "the default; mind the learning rate, since a unit that is never positive gets no gradient",
    source: "Nair, Hinton: Rectified linear units improve restricted Boltzmann machines (2010)",
    zero_centred: false,
    piecewise_linear: true,
};

/// sqrt(2): half of the second moment is cut off (He et al. 2015).
pub(super) const GAIN: Gain = Gain::Fixed(std::f32::consts::SQRT_2);
