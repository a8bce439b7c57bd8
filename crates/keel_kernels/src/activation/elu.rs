//! The exponential linear unit.

use super::exponential::exp_m1_below_87;
use super::{Elementwise, exp};

/// x where positive, alpha (exp(x) - 1) elsewhere; the derivative is 1 or alpha exp(x).
#[derive(Clone, Copy, Debug)]
pub struct Elu {
    /// Negative of the limit for large negative inputs, above 0.
    pub alpha: f32,
}

impl Elementwise for Elu {
    const FROM_OUTPUT: bool = true;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let negative = if x > 0.0 { 0.0 } else { x };
        let curve = self.alpha * exp_m1_below_87(negative);
        if x > 0.0 { x } else { curve }
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let negative = if x > 0.0 { 0.0 } else { x };
        let slope = self.alpha * exp(negative);
        if x > 0.0 { 1.0 } else { slope }
    }

    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { y + self.alpha }
    }
}
