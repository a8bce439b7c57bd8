//! Operands of the weight gradient.

/// Output gradients of a few images: their first float, and the distances in floats from one row of pixels and one image to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct GradientRows<'a> {
    /// Values starting with the first pixel.
    pub(super) values: &'a [f32],
    /// Number of floats between the starts of two rows.
    pub(super) row: usize,
    /// Number of floats between the starts of two images.
    pub(super) image: usize,
}

/// Operands of the weight gradient of a few images.
#[derive(Clone, Copy, Debug)]
pub(super) struct GradientPass<'a> {
    /// Framed images, as for [`ConvolutionAt::forward_pass`](super::ConvolutionAt::forward_pass).
    pub(super) frames: &'a [f32],
    pub(super) grad_output: GradientRows<'a>,
}

impl GradientRows<'_> {
    /// Returns the images starting with `index`.
    pub(super) fn starting_at(self, index: usize) -> Self {
        GradientRows { values: &self.values[index * self.image..], ..self }
    }
}
