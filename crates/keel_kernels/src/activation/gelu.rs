//! The Gaussian error linear unit, in its exact form.

use super::{Elementwise, normal_cumulative, normal_density};

/// x Phi(x) with Phi the cumulative normal distribution function; derivative Phi(x) + x phi(x) (Hendrycks & Gimpel 2016).
#[derive(Clone, Copy, Debug)]
pub struct Gelu;

impl Elementwise for Gelu {
    const FROM_OUTPUT: bool = false;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        x * normal_cumulative(x)
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        normal_cumulative(x) + x * normal_density(x)
    }
}
