//! The rectified linear unit.

use keel_kernels::activation::Function;

use super::definition::{ActivationDefinition, Facts};
use super::gain::Gain;

/// The activation `relu`; it has no keys.
pub(super) struct ReluSpec;

impl ReluSpec {
    /// Name, formula and source.
    pub(super) const ENTRY: Facts = Facts {
        name: "relu",
        summary: "max(0, x)",
        formula: "max(0, x)",
        derivative: "1 above 0, else 0",
        when_to_use: "the default; at a high learning rate units may die: one that is never positive gets no gradient",
        source: "Nair, Hinton: Rectified linear units improve restricted Boltzmann machines (2010)",
        zero_centred: false,
        piecewise_linear: true,
    };
}

impl ActivationDefinition for ReluSpec {
    fn kernel(&self) -> Function {
        Function::Relu
    }

    fn value(&self, x: f64) -> f64 {
        if x < 0.0 { 0.0 } else { x }
    }

    fn derivative(&self, x: f64) -> f64 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }

    fn kinks(&self) -> &'static [f64] {
        &[0.0]
    }

    /// Returns sqrt(2): half of the second moment is cut off (He et al. 2015).
    fn gain(&self) -> Gain {
        Gain::Fixed(std::f32::consts::SQRT_2)
    }
}
