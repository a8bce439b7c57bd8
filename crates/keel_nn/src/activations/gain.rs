//! The factor an initialiser multiplies the standard deviation of the weights with, for the activation that follows.

use keel_kernels::activation::Function;

/// Where a gain comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gain {
    /// A value of the literature.
    Fixed(f32),
    /// No standard value: computed so that the mean square of f(z) keeps that of a standard normal z.
    Computed(f32),
}

impl Gain {
    /// The factor itself.
    pub fn value(self) -> f32 {
        match self {
            Gain::Fixed(value) | Gain::Computed(value) => value,
        }
    }

    /// 1 / sqrt(E[f(z)^2]) with z standard normal, by the trapezoidal rule over [-10, 10].
    pub(super) fn computed(function: Function) -> Self {
        let step = 1.0 / 64.0;
        let mean_square: f64 = (-640..=640)
            .map(|index| {
                let z = f64::from(index) * step;
                let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
                f64::from(function.value(z as f32)).powi(2) * density * step
            })
            .sum();
        Gain::Computed((1.0 / mean_square.sqrt()) as f32)
    }
}
