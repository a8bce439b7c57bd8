//! Learned scale and shift of a norm.

/// Scale and shift, `[channels]` each; both empty for a norm without them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Affine<'a> {
    /// Factor of the normalised values; 1 if empty.
    pub scale: &'a [f32],
    /// Term added to the scaled values; 0 if empty.
    pub shift: &'a [f32],
}

/// Gradients of scale and shift, to be overwritten; `[channels]` each, or both empty.
#[derive(Debug)]
pub struct AffineGradient<'a> {
    /// Gradient with respect to the scale.
    pub scale: &'a mut [f32],
    /// Gradient with respect to the shift.
    pub shift: &'a mut [f32],
}
