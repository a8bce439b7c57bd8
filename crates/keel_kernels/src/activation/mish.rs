//! Mish.

use super::{Elementwise, exp};

/// Value of x above which tanh(softplus(x)) is 1 in f32.
const LARGEST: f32 = 20.0;

/// x tanh(softplus(x)) (Misra 2019).
#[derive(Clone, Copy, Debug)]
pub struct Mish;

impl Mish {
    /// Returns exp(x), and n with tanh(softplus(x)) = n / (n + 2); x is limited to [`LARGEST`].
    #[inline(always)]
    fn parts(x: f32) -> (f32, f32) {
        let e = exp(if x > LARGEST { LARGEST } else { x });
        (e, e * (e + 2.0))
    }
}

impl Elementwise for Mish {
    const FROM_OUTPUT: bool = false;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let (_, n) = Self::parts(x);
        x * (n / (n + 2.0))
    }

    /// Computes t + x s (1 - t^2) with t = tanh(softplus(x)) and s the sigmoid; s (1 - t^2) = 4 e (1 + e) / (n + 2)^2.
    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let (e, n) = Self::parts(x);
        let quotient = 1.0 / (n + 2.0);
        let bent = (4.0 * e * quotient) * ((1.0 + e) * quotient);
        // Above the limit in `parts`, the nonlinear term has vanished and must not be multiplied by the unlimited x.
        n * quotient + if x > LARGEST { LARGEST } else { x } * bent
    }
}
