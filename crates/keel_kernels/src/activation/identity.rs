//! f(x) = x.

use super::Elementwise;

/// x, with derivative 1.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Elementwise for Identity {
    const FROM_OUTPUT: bool = true;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn derivative(self, _x: f32) -> f32 {
        1.0
    }

    #[inline(always)]
    fn derivative_from_output(self, _y: f32) -> f32 {
        1.0
    }
}
