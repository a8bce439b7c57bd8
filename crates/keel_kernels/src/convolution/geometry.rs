//! Sizes of a convolution.

use crate::length::{LARGEST, checked_product};

/// Maximum stride: sums of its products with a row of pixels do not overflow.
const LARGEST_STRIDE: usize = usize::MAX / LARGEST / 4;

/// All sizes of a convolution; pairs are `[vertical, horizontal]`. The functions that return lengths are meant for
/// [valid](ConvolutionShape::is_valid) shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// Rows of the input image.
    pub height: usize,
    /// Columns of the input image.
    pub width: usize,
    /// Channels of the input image.
    pub in_channels: usize,
    /// Channels of the output image.
    pub out_channels: usize,
    /// Size of the kernel in taps.
    pub kernel: [usize; 2],
    /// Distance between neighbouring outputs in input pixels.
    pub stride: [usize; 2],
    /// Zero padding `[before, after]` the image, for each direction.
    pub padding: [[usize; 2]; 2],
    /// Distance between neighbouring taps in input pixels.
    pub dilation: [usize; 2],
    /// Number of independent groups of input and output channels.
    pub groups: usize,
}

impl ConvolutionShape {
    /// Returns true if all sizes are positive, groups divide both channel counts, the kernel fits into the padded image, and the
    /// images and weights are not too large for any machine.
    pub fn is_valid(&self) -> bool {
        let positive = [self.height, self.width, self.in_channels, self.out_channels, self.groups];
        let pairs = [self.kernel, self.stride, self.dilation];
        positive.iter().chain(pairs.iter().flatten()).all(|&size| size > 0)
            && self.is_countable()
            && self.in_channels.is_multiple_of(self.groups)
            && self.out_channels.is_multiple_of(self.groups)
            && self.window()[0] <= self.frame_height()
            && self.window()[1] <= self.frame_width()
    }

    /// Returns true if the lengths of the padded image, the output and the weights are so small that sums and small multiples of
    /// them do not overflow.
    fn is_countable(&self) -> bool {
        let sides = [self.height, self.width].into_iter().chain(self.padding.into_iter().flatten());
        if sides.into_iter().any(|size| size > LARGEST) {
            return false;
        }
        let frame = [self.frame_height(), self.frame_width()];
        let lengths = [
            checked_product(&[frame[0], frame[1], self.in_channels]),
            checked_product(&[frame[0], frame[1], self.out_channels]),
            checked_product(&[self.kernel[0], self.kernel[1], self.in_channels, self.out_channels]),
            checked_product(&[self.kernel[0], self.dilation[0]]),
            checked_product(&[self.kernel[1], self.dilation[1]]),
        ];
        lengths.iter().all(Option::is_some) && self.stride.iter().all(|&step| step <= LARGEST_STRIDE)
    }

    /// Returns the number of input pixels that a kernel window spans.
    pub fn window(&self) -> [usize; 2] {
        [(self.kernel[0] - 1) * self.dilation[0] + 1, (self.kernel[1] - 1) * self.dilation[1] + 1]
    }

    /// Returns the number of rows of the padded input.
    pub fn frame_height(&self) -> usize {
        self.height + self.padding[0][0] + self.padding[0][1]
    }

    /// Returns the number of columns of the padded input.
    pub fn frame_width(&self) -> usize {
        self.width + self.padding[1][0] + self.padding[1][1]
    }

    /// Returns the number of floats of the padded input.
    pub fn frame_length(&self) -> usize {
        self.frame_height() * self.frame_width() * self.in_channels
    }

    /// Returns the number of rows of the output image.
    pub fn out_height(&self) -> usize {
        (self.frame_height() - self.window()[0]) / self.stride[0] + 1
    }

    /// Returns the number of columns of the output image.
    pub fn out_width(&self) -> usize {
        (self.frame_width() - self.window()[1]) / self.stride[1] + 1
    }

    /// Returns the number of floats of one input image.
    pub fn input_length(&self) -> usize {
        self.height * self.width * self.in_channels
    }

    /// Returns the number of floats of one output image.
    pub fn output_length(&self) -> usize {
        self.out_height() * self.out_width() * self.out_channels
    }

    /// Returns the number of floats of the weights.
    pub fn weight_length(&self) -> usize {
        self.depth() * self.out_channels
    }

    /// Returns the number of products summed for one output value: `kernel_h * kernel_w * in_channels / groups`.
    pub fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.in_channels / self.groups
    }

    /// Returns the number of multiply-adds of one image, saturating at the maximum of a `usize`.
    pub fn multiply_adds(&self) -> usize {
        self.output_length().saturating_mul(self.depth())
    }

    /// Returns true if the image is padded with zeros.
    pub fn is_padded(&self) -> bool {
        self.padding != [[0; 2]; 2]
    }

    /// Returns true if each input channel has its own output channel.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups == self.in_channels && self.groups == self.out_channels && self.groups > 1
    }

    /// Returns true if a 1x1 kernel visits every pixel, which makes it a plain matrix product.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && !self.is_padded()
    }
}
