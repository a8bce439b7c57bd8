//! The scaled exponential linear unit.
//!
//! f(x) = 1.0507 * elu(x) with alpha 1.6733; derivative: 1.0507 above 0, else 1.0507 * 1.6733 exp(x).
//! Use: deep fully connected networks without batch norm, with lecun_normal initialisation.
//! Source: Klambauer, Unterthiner, Mayr, Hochreiter: Self-normalizing neural networks (2017).

use keel_kernels::activation::Selu;

use super::{Facts, Gain, Saturation};

/// What the catalog says about `selu`.
pub(super) const FACTS: Facts = Facts {
    name: "selu",
    summary: "scaled elu that keeps mean 0 and variance 1",
    formula: "1.0507 * elu(x) with alpha 1.6733",
    derivative: "1.0507 above 0, else 1.0507 * 1.6733 exp(x)",
    when_to_use: "deep fully connected networks without batch norm, with lecun_normal initialisation",
    source: "Klambauer, Unterthiner, Mayr, Hochreiter: Self-normalizing neural networks (2017)",
    zero_centred: true,
    piecewise_linear: false,
};

/// 3/4, the customary value where forward and backward signals are balanced; self-normalisation itself wants 1.
pub(super) const GAIN: Gain = Gain::Fixed(0.75);

/// As elu, scaled.
pub(super) const SATURATION: Saturation = Saturation { low: -0.9409 * Selu::SCALE * Selu::ALPHA, high: f32::INFINITY };
