//! The scaled exponential linear unit.

use keel_kernels::activation::{Function, Selu};

use super::definition::{ActivationDefinition, Facts, Saturation, WeightScheme};
use super::gain::Gain;

/// Slope for positive inputs (Klambauer et al. 2017).
const SCALE: f64 = 1.050_700_987_355_480_5;
/// Alpha of the underlying elu.
const ALPHA: f64 = 1.673_263_242_354_377_2;

/// The activation `selu`; it has no keys.
pub(super) struct SeluSpec;

impl SeluSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "selu",
        summary: "scaled elu that keeps mean 0 and variance 1",
        formula: "1.0507 * elu(x) with alpha 1.6733",
        derivative: "1.0507 above 0, else 1.0507 * 1.6733 exp(x)",
        when_to_use: "for deep fully connected networks without batch norm, with lecun_normal initialisation",
        source: "Klambauer, Unterthiner, Mayr, Hochreiter: Self-normalizing neural networks (2017)",
        zero_centred: true,
        piecewise_linear: false,
    };
}

impl ActivationDefinition for SeluSpec {
    fn kernel(&self) -> Function {
        Function::Selu
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { SCALE * x } else { SCALE * ALPHA * x.exp_m1() }
    }

    fn derivative(&self, x: f64) -> f64 {
        if x > 0.0 { SCALE } else { SCALE * ALPHA * x.exp() }
    }

    fn kinks(&self) -> &'static [f64] {
        &[0.0]
    }

    /// Returns 3/4, the customary value that balances forward and backward signals; self-normalisation itself requires 1.
    fn gain(&self) -> Gain {
        Gain::Fixed(0.75)
    }

    fn weight_scheme(&self) -> WeightScheme {
        WeightScheme::Lecun
    }

    /// Returns the range of elu, scaled.
    fn saturation(&self) -> Option<Saturation> {
        Some(Saturation { low: -0.9409 * Selu::SCALE * Selu::ALPHA, high: f32::INFINITY })
    }
}
