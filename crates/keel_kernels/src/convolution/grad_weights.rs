//! The weight gradient: for each kernel tap, input pixels times output gradients, summed over positions.

use super::gradient_pass::{GradientPass, GradientRows};
use super::{Algorithm, Convolution, ConvolutionAt, depthwise};
use crate::product::OuterProduct;
use crate::product::microkernel::Segment;
use crate::scratch::Scratch;

/// Floats of input and output gradient that stay in the first-level cache while all taps pass over them.
const BLOCK_FLOATS: usize = 10 * 1024;

/// Maximum number of output rows of a block of positions.
const MAX_BLOCK_LINES: usize = 16;

impl Convolution {
    /// Number of floats of the sums [`ConvolutionAt::add_grad_weights_pass`] adds to.
    pub(super) fn grad_weights_sums(&self) -> usize {
        match &self.algorithm {
            Algorithm::Winograd { grad_weights, .. } => grad_weights.sums_length(),
            _ => self.shape.weight_length(),
        }
    }
}

impl ConvolutionAt<'_> {
    /// Returns the number of floats of scratch that [`ConvolutionAt::add_grad_weights_pass`] needs.
    pub(super) fn grad_weights_scratch(&self) -> usize {
        let shape = &self.shape;
        match &self.algorithm {
            Algorithm::Winograd { grad_weights, .. } => grad_weights.scratch_length(),
            Algorithm::Direct { .. } if !self.columns_fill_vectors() => {
                shape.out_height() * shape.out_width() * self.padded_columns() * shape.groups
            }
            _ => 0,
        }
    }

    /// Adds the part of a few images to the sums of the weight gradient.
    pub(super) fn add_grad_weights_pass(&self, pass: GradientPass<'_>, sums: &mut [f32], mut scratch: Scratch<'_>) {
        let GradientPass { frames, grad_output } = pass;
        let frame_length = self.frame[0] * self.frame[1] * self.shape.in_channels;
        assert!(frames.len().is_multiple_of(frame_length) && !frames.is_empty(), "frames");
        assert_eq!(sums.len(), self.grad_weights_sums(), "sums of the weight gradient");
        assert!(scratch.len() >= self.grad_weights_scratch(), "scratch");
        if let Algorithm::Winograd { grad_weights, .. } = &self.algorithm {
            return grad_weights.add(self.simd, pass, sums, scratch);
        }
        for (index, frame) in frames.chunks_exact(frame_length).enumerate() {
            let image = GradientPass { frames: frame, grad_output: grad_output.starting_at(index) };
            self.add_grad_weights_image(image, sums, scratch.reborrow());
        }
    }

    fn add_grad_weights_image(&self, pass: GradientPass<'_>, sums: &mut [f32], scratch: Scratch<'_>) {
        let (shape, grad_output) = (&self.shape, pass.grad_output);
        let last = (shape.out_height() - 1) * grad_output.row + shape.out_width() * shape.out_channels;
        assert!(grad_output.values.len() >= last, "output gradient");
        if matches!(self.algorithm, Algorithm::Depthwise) {
            depthwise::add_grad_weights(self.simd, shape, pass, sums);
        } else if self.columns_fill_vectors() {
            self.add_groups(pass, None, sums);
        } else {
            let (padded, _) = scratch.take(self.grad_weights_scratch());
            self.pad_columns(grad_output, padded);
            self.add_groups(pass, Some(padded), sums);
        }
    }

    /// The weight gradient from its sums over the batch.
    pub(super) fn finish_grad_weights(&self, sums: &[f32], grad_weights: &mut [f32]) {
        match &self.algorithm {
            Algorithm::Winograd { grad_weights: gradient, .. } => gradient.finish(self.simd, sums, grad_weights),
            _ => grad_weights.copy_from_slice(sums),
        }
    }

    /// Returns true if a group's output channels are whole vectors, so that they can be read in place.
    fn columns_fill_vectors(&self) -> bool {
        (self.shape.out_channels / self.shape.groups).is_multiple_of(self.simd.lanes())
    }

    fn padded_columns(&self) -> usize {
        (self.shape.out_channels / self.shape.groups).next_multiple_of(self.simd.lanes())
    }

    /// `[group][position][padded columns]`.
    fn pad_columns(&self, grad_output: GradientRows<'_>, target: &mut [f32]) {
        let shape = &self.shape;
        let (columns, padded) = (shape.out_channels / shape.groups, self.padded_columns());
        let positions = shape.out_height() * shape.out_width();
        for group in 0..shape.groups {
            let part = &mut target[group * positions * padded..(group + 1) * positions * padded];
            for (position, target) in part.chunks_exact_mut(padded).enumerate() {
                let (y, x) = (position / shape.out_width(), position % shape.out_width());
                let from = y * grad_output.row + x * shape.out_channels + group * columns;
                target[..columns].copy_from_slice(&grad_output.values[from..from + columns]);
                target[columns..].fill(0.0);
            }
        }
    }

    fn add_groups(&self, pass: GradientPass<'_>, padded: Option<&[f32]>, grad: &mut [f32]) {
        let (shape, grad_output) = (&self.shape, pass.grad_output);
        let columns = shape.out_channels / shape.groups;
        let positions = shape.out_height() * shape.out_width();
        for group in 0..shape.groups {
            let pixels = match padded {
                None => GradientPixels {
                    start: grad_output.values[group * columns..].as_ptr(),
                    pixel_step: shape.out_channels,
                    row_step: grad_output.row,
                },
                Some(values) => {
                    let width = self.padded_columns();
                    let start = values[group * positions * width..].as_ptr();
                    GradientPixels { start, pixel_step: width, row_step: shape.out_width() * width }
                }
            };
            // SAFETY: `add_grad_weights_image` asserted the lengths; blocks stay inside the output image.
            unsafe { self.add_blocks(pass.frames, group, pixels, grad) };
        }
    }

    /// # Safety
    /// `pixels` must be readable for every output position, in whole vectors.
    unsafe fn add_blocks(&self, frame: &[f32], group: usize, pixels: GradientPixels, grad: &mut [f32]) {
        let (shape, GradientPixels { start: b, pixel_step: b_step, row_step: b_row }) = (&self.shape, pixels);
        let (in_channels, columns) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
        let merged = shape.groups == 1 && shape.dilation[1] == 1;
        let (runs, rows) = if merged { (1, shape.kernel[1] * in_channels) } else { (shape.kernel[1], in_channels) };
        let frame_row = shape.frame_width() * shape.in_channels;
        let floats_per_line = shape.stride[0] * frame_row + shape.out_width() * b_step;
        let most_lines = (BLOCK_FLOATS / floats_per_line).clamp(1, MAX_BLOCK_LINES);
        let lines_per_block = shape.out_height().div_ceil(shape.out_height().div_ceil(most_lines));
        let mut segments = [Segment { a: 0, b: 0, length: shape.out_width() }; MAX_BLOCK_LINES];
        for first_line in (0..shape.out_height()).step_by(lines_per_block) {
            let lines = lines_per_block.min(shape.out_height() - first_line);
            for (line, segment) in segments[..lines].iter_mut().enumerate() {
                segment.a = line * shape.stride[0] * frame_row;
                segment.b = line * (b_row / b_step);
            }
            for ky in 0..shape.kernel[0] {
                for run in 0..runs {
                    let y = first_line * shape.stride[0] + ky * shape.dilation[0];
                    let a = y * frame_row + run * shape.dilation[1] * shape.in_channels + group * in_channels;
                    let c = ((ky * shape.kernel[1] + run) * in_channels) * shape.out_channels + group * columns;
                    // SAFETY: the tap reads inside the frame for every output position of the block.
                    unsafe {
                        OuterProduct {
                            rows,
                            a: frame.as_ptr().add(a),
                            a_step: shape.stride[1] * shape.in_channels,
                            b: b.add(first_line * b_row),
                            b_step,
                            segments: &segments[..lines],
                            c: grad.as_mut_ptr().add(c),
                            c_row: shape.out_channels,
                            columns,
                            accumulate: true,
                        }
                        .run(self.simd);
                    }
                }
            }
        }
    }
}

/// Output gradient of one group: its first pixel, and the floats from one pixel and one row to the next.
#[derive(Clone, Copy)]
struct GradientPixels {
    start: *const f32,
    pixel_step: usize,
    row_step: usize,
}
