//! A smooth form of the rectified linear unit.

use super::{Elementwise, Sigmoid, exp, ln_1p};

/// ln(1 + exp(x)), with the sigmoid as derivative.
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

impl Elementwise for Softplus {
    const FROM_OUTPUT: bool = false;

    /// Computes max(x, 0) + ln(1 + exp(-|x|)), which cannot overflow.
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let positive = if x < 0.0 { 0.0 } else { x };
        positive + ln_1p(exp(-x.abs()))
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        Sigmoid.value(x)
    }
}
