//! Learned scale and shift of a norm.

/// Scale and shift, `[channels]` each; both empty for a norm without them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Affine<'a> {
    /// Factor of the normalised values; 1 if empty.
    pub scale: &'a [f32],
    /// Added to the scaled values; 0 if empty.
    pub shift: &'a [f32],
}

/// Gradients of scale and shift, to be overwritten; `[channels]` each, or both empty.
#[derive(Debug)]
pub struct AffineGradient<'a> {
    /// Gradient of the scale.
    pub scale: &'a mut [f32],
    /// Gradient of the shift.
    pub shift: &'a mut [f32],
}
