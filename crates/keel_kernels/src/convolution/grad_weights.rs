//! The weight gradient: for each kernel tap, input pixels times output gradients, summed over positions.

use super::gradient_pass::{GradientPass, GradientRows};
use super::{Algorithm, Convolution, ConvolutionAt};
use crate::product::microkernel::Segment;
use crate::product::{OuterProduct, Tiles};
use crate::scratch::Scratch;

/// Minimum number of floats of input and output gradient in a block of positions: they stay in the first-level cache while all taps
/// read them.
const LEAST_BLOCK_FLOATS: usize = 10 * 1024;

/// Maximum number of floats in a block.
const MOST_BLOCK_FLOATS: usize = 40 * 1024;

/// Maximum number of output rows of a block of positions.
const MAX_BLOCK_LINES: usize = 64;

impl Convolution {
    /// Returns the number of floats of the sums that [`ConvolutionAt::add_grad_weights_pass`] adds to.
    pub(super) fn grad_weights_sums(&self) -> usize {
        match &self.algorithm {
            Algorithm::Winograd { grad_weights, .. } => grad_weights.sums_length(),
            _ => self.shape.weight_length(),
        }
    }
}

impl ConvolutionAt<'_> {
    /// Returns the length of the scratch buffer of [`ConvolutionAt::add_grad_weights_pass`] in floats.
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

    /// Adds the contribution of a few images to the sums of the weight gradient.
    pub(super) fn add_grad_weights_pass(&self, pass: GradientPass<'_>, sums: &mut [f32], mut scratch: Scratch<'_>) {
        let GradientPass { frames, grad_output } = pass;
        let frame_length = self.frame[0] * self.frame[1] * self.shape.in_channels;
        assert!(frames.len().is_multiple_of(frame_length) && !frames.is_empty(), "frames");
        assert_eq!(sums.len(), self.grad_weights_sums(), "sums of the weight gradient");
        assert!(scratch.len() >= self.grad_weights_scratch(), "scratch");
        if let Algorithm::Winograd { grad_weights, .. } = &self.algorithm {
            return grad_weights.add(self.simd, pass, sums, scratch);
        }
        let images = frames.len() / frame_length;
        let last_row = (images - 1) * grad_output.image + (self.shape.out_height() - 1) * grad_output.row;
        let last = last_row + self.shape.out_width() * self.shape.out_channels;
        assert!(grad_output.values.len() >= last, "output gradient");
        if matches!(self.algorithm, Algorithm::Direct { .. }) && self.columns_fill_vectors() {
            return self.add_groups(pass, None, sums);
        }
        for (index, frame) in frames.chunks_exact(frame_length).enumerate() {
            let image = GradientPass { frames: frame, grad_output: grad_output.starting_at(index) };
            if let Algorithm::Depthwise { grad_weights, .. } = &self.algorithm {
                grad_weights.add(self.simd, image, sums);
            } else {
                let (padded, _) = scratch.reborrow().take(self.grad_weights_scratch());
                self.pad_columns(image.grad_output, padded);
                self.add_groups(image, Some(padded), sums);
            }
        }
    }

    /// Computes the weight gradient from its sums over the batch.
    pub(super) fn finish_grad_weights(&self, sums: &[f32], grad_weights: &mut [f32]) {
        match &self.algorithm {
            Algorithm::Winograd { grad_weights: gradient, .. } => gradient.finish(self.simd, sums, grad_weights),
            _ => grad_weights.copy_from_slice(sums),
        }
    }

    /// Returns true if a group's output channels are a whole number of vectors, so that they can be read in place.
    fn columns_fill_vectors(&self) -> bool {
        (self.shape.out_channels / self.shape.groups).is_multiple_of(self.simd.lanes())
    }

    fn padded_columns(&self) -> usize {
        (self.shape.out_channels / self.shape.groups).next_multiple_of(self.simd.lanes())
    }

    /// Copies the output gradient to `[group][position][padded columns]`.
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
                    image_step: grad_output.image,
                },
                Some(values) => {
                    let width = self.padded_columns();
                    let start = values[group * positions * width..].as_ptr();
                    GradientPixels { start, pixel_step: width, row_step: shape.out_width() * width, image_step: 0 }
                }
            };
            // SAFETY: `add_grad_weights_pass` asserted the lengths; blocks stay inside the output image.
            unsafe { self.add_blocks(pass.frames, group, pixels, grad) };
        }
    }

    /// # Safety
    /// `pixels` must be readable for every output position of the framed images, in whole vectors.
    unsafe fn add_blocks(&self, frames: &[f32], group: usize, pixels: GradientPixels, grad: &mut [f32]) {
        let (shape, b_step) = (&self.shape, pixels.pixel_step);
        let (in_channels, columns) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
        let merged = shape.groups == 1 && shape.dilation[1] == 1;
        let (runs, rows) = if merged { (1, shape.kernel[1] * in_channels) } else { (shape.kernel[1], in_channels) };
        let frame_row = shape.frame_width() * shape.in_channels;
        let frame_length = shape.frame_height() * frame_row;
        let lines = frames.len() / frame_length * shape.out_height();
        let floats_per_line = shape.stride[0] * frame_row + shape.out_width() * b_step;
        // A block reads and writes all sums once: if they are many, it has more positions and exceeds the first-level cache.
        let block_floats = (shape.weight_length() / 2).clamp(LEAST_BLOCK_FLOATS, MOST_BLOCK_FLOATS);
        let most_lines = (block_floats / floats_per_line).clamp(1, MAX_BLOCK_LINES);
        let mut segments = [Segment { a: 0, b: 0, length: shape.out_width() }; MAX_BLOCK_LINES];
        for (first_line, lines) in Tiles::new(lines, most_lines).iter() {
            for (line, segment) in (first_line..first_line + lines).zip(&mut segments) {
                let (image, y) = (line / shape.out_height(), line % shape.out_height());
                segment.a = image * frame_length + y * shape.stride[0] * frame_row;
                segment.b = (image * pixels.image_step + y * pixels.row_step) / b_step;
            }
            for ky in 0..shape.kernel[0] {
                for run in 0..runs {
                    let tap = ky * shape.dilation[0] * frame_row + run * shape.dilation[1] * shape.in_channels;
                    let c = ((ky * shape.kernel[1] + run) * in_channels) * shape.out_channels + group * columns;
                    // SAFETY: the tap reads inside the frames for every output position of the block.
                    unsafe {
                        OuterProduct {
                            rows,
                            a: frames.as_ptr().add(tap + group * in_channels),
                            a_step: shape.stride[1] * shape.in_channels,
                            b: pixels.start,
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

/// Output gradient of one group: its first pixel, and the distances in floats from one pixel, row and image to the next.
#[derive(Clone, Copy)]
struct GradientPixels {
    start: *const f32,
    pixel_step: usize,
    row_step: usize,
    image_step: usize,
}
