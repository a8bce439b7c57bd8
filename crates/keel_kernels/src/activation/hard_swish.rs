//! A piecewise quadratic approximation of silu.

use super::Elementwise;

/// x clamp(x + 3, 0, 6) / 6 (Howard et al. 2019); derivative 0 up to -3, 1 above 3, (2 x + 3) / 6 between.
#[derive(Clone, Copy, Debug)]
pub struct HardSwish;

impl Elementwise for HardSwish {
    const FROM_OUTPUT: bool = false;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let gate = x + 3.0;
        let gate = if gate < 0.0 { 0.0 } else { gate };
        let gate = if gate > 6.0 { 6.0 } else { gate };
        x * (gate * (1.0 / 6.0))
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        let middle = (2.0 * x + 3.0) * (1.0 / 6.0);
        let lower = if x > -3.0 { middle } else { 0.0 };
        if x > 3.0 { 1.0 } else { lower }
    }
}
