//! Sizes of a convolution.

use crate::length::{LARGEST, checked_product};

/// Largest stride: sums of its products with a row of pixels never wrap.
const LARGEST_STRIDE: usize = usize::MAX / LARGEST / 4;

/// Everything that fixes a convolution's sizes; pairs are `[vertical, horizontal]`. The functions that return
/// lengths are meant for [valid](ConvolutionShape::is_valid) shapes.
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
    /// Taps of the kernel.
    pub kernel: [usize; 2],
    /// Input pixels between neighbouring outputs.
    pub stride: [usize; 2],
    /// Zeros `[before, after]` the image, for each direction.
    pub padding: [[usize; 2]; 2],
    /// Input pixels between neighbouring taps.
    pub dilation: [usize; 2],
    /// Input and output channels are cut into so many independent parts.
    pub groups: usize,
}

impl ConvolutionShape {
    /// Returns true if all sizes are positive, groups divide both channel counts, the kernel fits into the padded image, and a
    /// machine can hold its images and weights.
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

    /// Returns true if the padded image, the output and the weights have lengths that can exist, so that sums and small
    /// multiples of them never wrap.
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

    /// Input pixels one kernel window spans.
    pub fn window(&self) -> [usize; 2] {
        [(self.kernel[0] - 1) * self.dilation[0] + 1, (self.kernel[1] - 1) * self.dilation[1] + 1]
    }

    /// Rows of the padded input.
    pub fn frame_height(&self) -> usize {
        self.height + self.padding[0][0] + self.padding[0][1]
    }

    /// Columns of the padded input.
    pub fn frame_width(&self) -> usize {
        self.width + self.padding[1][0] + self.padding[1][1]
    }

    /// Floats of the padded input.
    pub fn frame_length(&self) -> usize {
        self.frame_height() * self.frame_width() * self.in_channels
    }

    /// Rows of the output image.
    pub fn out_height(&self) -> usize {
        (self.frame_height() - self.window()[0]) / self.stride[0] + 1
    }

    /// Columns of the output image.
    pub fn out_width(&self) -> usize {
        (self.frame_width() - self.window()[1]) / self.stride[1] + 1
    }

    /// Floats of one input image.
    pub fn input_length(&self) -> usize {
        self.height * self.width * self.in_channels
    }

    /// Floats of one output image.
    pub fn output_length(&self) -> usize {
        self.out_height() * self.out_width() * self.out_channels
    }

    /// Floats of the weights.
    pub fn weight_length(&self) -> usize {
        self.depth() * self.out_channels
    }

    /// Products summed for one output value: `kernel_h * kernel_w * in_channels / groups`.
    pub fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.in_channels / self.groups
    }

    /// Multiply-adds of one image; as many as a `usize` can count if there are more.
    pub fn multiply_adds(&self) -> usize {
        self.output_length().saturating_mul(self.depth())
    }

    /// Returns true if zeros surround the image.
    pub fn is_padded(&self) -> bool {
        self.padding != [[0; 2]; 2]
    }

    /// Returns true if there is one output channel for each input channel, each on its own.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups == self.in_channels && self.groups == self.out_channels && self.groups > 1
    }

    /// Returns true if a 1x1 kernel visits every pixel: a plain matrix product.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && !self.is_padded()
    }
}
