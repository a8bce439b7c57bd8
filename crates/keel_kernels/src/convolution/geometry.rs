//! Sizes of a convolution.

/// Everything that fixes a convolution's sizes; pairs are `[vertical, horizontal]`.
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
    /// Returns true if all sizes are positive, groups divide both channel counts, the kernel fits into the padded image, and no
    /// number of floats is beyond counting.
    pub fn is_valid(&self) -> bool {
        let positive = [self.height, self.width, self.in_channels, self.out_channels, self.groups];
        let pairs = [self.kernel, self.stride, self.dilation];
        positive.iter().chain(pairs.iter().flatten()).all(|&size| size > 0)
            && self.is_countable().unwrap_or(false)
            && self.in_channels.is_multiple_of(self.groups)
            && self.out_channels.is_multiple_of(self.groups)
            && self.window()[0] <= self.frame_height()
            && self.window()[1] <= self.frame_width()
    }

    /// Returns true if the padded image, the output and the weights have at most `isize::MAX` bytes; `None` where a product wraps.
    fn is_countable(&self) -> Option<bool> {
        let product = |sizes: &[usize]| sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        let mut frame = [self.height, self.width];
        for side in 0..2 {
            let padding = self.padding[side][0].checked_add(self.padding[side][1])?;
            frame[side] = frame[side].checked_add(padding)?;
            (self.kernel[side] - 1).checked_mul(self.dilation[side])?.checked_add(1)?;
        }
        let floats = [
            product(&[frame[0], frame[1], self.in_channels])?,
            product(&[frame[0], frame[1], self.out_channels])?,
            product(&[self.kernel[0], self.kernel[1], self.in_channels, self.out_channels])?,
        ];
        Some(floats.iter().all(|&floats| floats <= isize::MAX as usize / size_of::<f32>()))
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

    /// Multiply-adds of one image.
    pub fn multiply_adds(&self) -> usize {
        self.output_length() * self.depth()
    }

    /// Whether any zeros surround the image.
    pub fn is_padded(&self) -> bool {
        self.padding != [[0; 2]; 2]
    }

    /// One output channel for each input channel, each on its own.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups == self.in_channels && self.groups == self.out_channels && self.groups > 1
    }

    /// A 1x1 kernel that visits every pixel: a plain matrix product.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && !self.is_padded()
    }
}
