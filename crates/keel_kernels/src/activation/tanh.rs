//! The hyperbolic tangent.

use super::exponential::exp_m1_below_87;
use super::{Elementwise, exp};

/// tanh(x), with derivative 1 - tanh(x)^2.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

impl Elementwise for Tanh {
    const FROM_OUTPUT: bool = true;

    /// Computes -m / (2 + m) with m = exp(-2 |x|) - 1, which neither overflows nor cancels; the sign is restored at the end.
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let m = exp_m1_below_87(-2.0 * x.abs());
        (-m / (2.0 + m)).copysign(x)
    }

    /// Computes 4 e / (1 + e)^2 with e = exp(-2 |x|).
    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let e = exp(-2.0 * x.abs());
        let denominator = 1.0 + e;
        4.0 * e / (denominator * denominator)
    }

    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        1.0 - y * y
    }
}
