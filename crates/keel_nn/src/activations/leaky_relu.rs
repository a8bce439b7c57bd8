//! The rectified linear unit with a fixed slope on the negative side.
//!
//! f(x) = x above 0, else slope * x; derivative: 1 above 0, else slope.
//! Use: instead of relu where units die.
//! Source: Maas, Hannun, Ng: Rectifier nonlinearities improve neural network acoustic models (2013).

use super::{Facts, Gain};

/// What the catalog says about `leaky_relu`.
pub(super) const FACTS: Facts = Facts {
    name: "leaky_relu",
    summary: "x where positive, slope * x elsewhere",
    formula: "x above 0, else slope * x",
    derivative: "1 above 0, else slope",
    when_to_use: "instead of relu where units die",
    source: "Maas, Hannun, Ng: Rectifier nonlinearities improve neural network acoustic models (2013)",
    zero_centred: false,
    piecewise_linear: true,
};

/// sqrt(2 / (1 + slope^2)) (He et al. 2015).
pub(super) fn gain(slope: f32) -> Gain {
    Gain::Fixed((2.0 / (1.0 + slope * slope)).sqrt())
}
