//! 1x1 convolutions of small images: products over the positions of the whole batch.
//!
//! An image of a few positions has too few rows for a separate product: the weights would be read for only a few multiply-adds
//! each. The positions of all images are contiguous, so that the whole batch is one matrix.

use super::{Algorithm, BatchGradient, BatchGradientOutput, BatchInput, Convolution, ConvolutionAt, Filter};
use crate::matmul::{self, Factors, Multiplication, Operand, Sizes};
use crate::scratch::Scratch;

/// Number of positions from which an image has enough rows for a separate product.
const OWN_PRODUCT_ROWS: usize = 96;

impl Convolution {
    /// Returns true if the images of a batch are computed together.
    pub(super) fn joins_images(&self) -> bool {
        let is_product = self.shape.is_pointwise() && self.shape.groups == 1;
        is_product && matches!(self.algorithm, Algorithm::Direct { .. }) && self.positions() < OWN_PRODUCT_ROWS
    }

    /// Returns the number of images that together have enough positions.
    pub(super) fn joined_images(&self) -> usize {
        OWN_PRODUCT_ROWS.div_ceil(self.positions())
    }

    fn positions(&self) -> usize {
        self.shape.out_height() * self.shape.out_width()
    }

    fn weight_gradient_sizes(&self, batch: usize) -> Sizes {
        let depth = batch * self.positions();
        Sizes { rows: self.shape.in_channels, depth, columns: self.shape.out_channels }
    }
}

impl ConvolutionAt<'_> {
    /// Computes the output of a batch, without a scratch buffer.
    pub(super) fn forward_joined(&self, read: BatchInput<'_>, output: &mut [f32]) {
        let (input, Filter { weights, bias }) = (read.input, read.filter);
        let (depth, columns) = (self.shape.in_channels, self.shape.out_channels);
        let sizes = Sizes { rows: input.len() / depth, depth, columns };
        let left = Operand { values: input, depth_step: 1, side_step: depth };
        let right = Operand { values: weights, depth_step: columns, side_step: 1 };
        let product = Multiplication { sizes, left, right, bias, accumulate: false, in_place: true, activation: None };
        product.run(self.simd, output, Scratch::none());
    }

    /// Returns the length of the scratch buffer of [`ConvolutionAt::backward_joined`] in floats.
    pub(super) fn backward_joined_scratch(&self, batch: usize) -> usize {
        matmul::scratch_length(self.simd, self.weight_gradient_sizes(batch))
    }

    /// Computes the gradients of a batch.
    pub(super) fn backward_joined(
        &self,
        read: BatchGradient<'_>,
        write: BatchGradientOutput<'_>,
        scratch: Scratch<'_>,
    ) {
        let (in_channels, out_channels) = (self.shape.in_channels, self.shape.out_channels);
        if !write.grad_weights.is_empty() {
            let sizes = self.weight_gradient_sizes(read.batch);
            let factors = Factors { left: read.input, right: read.grad_output, bias: None };
            matmul::transposed_matmul(self.simd, sizes, factors, write.grad_weights, scratch);
        }
        if !write.grad_input.is_empty() {
            let sizes = Sizes { rows: read.batch * self.positions(), depth: out_channels, columns: in_channels };
            let left = Operand { values: read.grad_output, depth_step: 1, side_step: out_channels };
            let right = Operand { values: read.weights, depth_step: 1, side_step: out_channels };
            let accumulate = write.accumulate;
            let product =
                Multiplication { sizes, left, right, bias: None, accumulate, in_place: true, activation: None };
            product.run(self.simd, write.grad_input, Scratch::none());
        }
        if !write.grad_bias.is_empty() {
            let sums = write.grad_bias;
            self.simd.run(
                #[inline(always)]
                || {
                    sums.fill(0.0);
                    for position in read.grad_output.chunks_exact(out_channels) {
                        sums.iter_mut().zip(position).for_each(|(sum, value)| *sum += value);
                    }
                },
            );
        }
    }
}
