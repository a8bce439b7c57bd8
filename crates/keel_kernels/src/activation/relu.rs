//! The rectified linear unit.

use super::Elementwise;

/// max(0, x), with derivative 1 above 0 and 0 elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Relu;

impl Elementwise for Relu {
    const FROM_OUTPUT: bool = true;

    /// Uses a comparison, because `max` would turn NaN into 0.
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x < 0.0 { 0.0 } else { x }
    }

    #[inline(always)]
    fn derivative(self, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }

    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { 0.0 }
    }
}
