//! The scaled exponential linear unit.

use super::{Elementwise, Elu};

/// scale * elu(x) with the constants that make mean 0 and variance 1 a stable fixed point (Klambauer et al. 2017).
#[derive(Clone, Copy, Debug)]
pub struct Selu;

impl Selu {
    /// Slope for positive inputs.
    pub const SCALE: f32 = 1.050_701;
    /// Alpha of the underlying elu.
    pub const ALPHA: f32 = 1.673_263_2;
}

impl Elementwise for Selu {
    const FROM_OUTPUT: bool = true;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        Self::SCALE * Elu { alpha: Self::ALPHA }.value(x)
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        Self::SCALE * Elu { alpha: Self::ALPHA }.derivative(x)
    }

    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        if y > 0.0 { Self::SCALE } else { y + Self::SCALE * Self::ALPHA }
    }
}
