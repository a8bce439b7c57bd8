//! The logistic function.

use super::{Elementwise, exp};

/// s(x) = 1 / (1 + exp(-x)), with derivative s (1 - s).
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

impl Elementwise for Sigmoid {
    const FROM_OUTPUT: bool = true;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        1.0 / (1.0 + exp(-x))
    }

    /// Computes e / (1 + e)^2 with e = exp(-|x|), accurate in both tails.
    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let e = exp(-x.abs());
        let denominator = 1.0 + e;
        e / (denominator * denominator)
    }

    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        y * (1.0 - y)
    }
}
