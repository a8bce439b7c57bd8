//! Factor by which an initialiser scales the standard deviation of weights, for the activation that follows.

use keel_kernels::activation::Function;

/// Gain with its origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gain {
    /// A value from the literature.
    Fixed(f32),
    /// Computed, because there is no standard value: keeps the mean square of f(z) at 1 for a standard normal z.
    Computed(f32),
}

impl Gain {
    /// Returns the factor.
    pub fn value(self) -> f32 {
        match self {
            Gain::Fixed(value) | Gain::Computed(value) => value,
        }
    }

    /// Returns 1 / sqrt(E[f(z)^2]) for a standard normal z, by the trapezoidal rule over [-10, 10].
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
