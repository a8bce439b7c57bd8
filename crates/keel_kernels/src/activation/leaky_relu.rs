//! The rectified linear unit with a fixed slope on the negative side.

use super::Elementwise;

/// x where positive, slope * x elsewhere; the derivative is 1 or the slope.
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu {
    /// Slope for negative inputs, 0 or more: then the sign of the output determines the side.
    pub slope: f32,
}

impl Elementwise for LeakyRelu {
    const FROM_OUTPUT: bool = true;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x > 0.0 { x } else { self.slope * x }
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { self.slope }
    }

    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { self.slope }
    }
}
