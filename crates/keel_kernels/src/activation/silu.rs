//! The sigmoid linear unit, also called swish.

use super::{Elementwise, Sigmoid, exp};

/// x s(x) with s the sigmoid; derivative s(x) (1 + x (1 - s(x))).
#[derive(Clone, Copy, Debug)]
pub struct Silu;

impl Elementwise for Silu {
    const FROM_OUTPUT: bool = false;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        x * Sigmoid.value(x)
    }

    /// Computes s(x) + x s(x) s(-x), with both sigmoids from e = exp(-|x|).
    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let e = exp(-x.abs());
        let larger = 1.0 / (1.0 + e);
        let smaller = e * larger;
        let sigmoid = if x < 0.0 { smaller } else { larger };
        sigmoid + x * (larger * smaller)
    }
}
