//! Weights and bias of a convolution.

/// Weights `[kernel_h, kernel_w, in_channels / groups, out_channels]` and bias.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Weights.
    pub weights: &'a [f32],
    /// Bias, `[out_channels]`, added to every pixel.
    pub bias: Option<&'a [f32]>,
}
