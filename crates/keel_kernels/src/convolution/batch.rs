//! A whole batch: images shared over threads in chunks that depend on the batch alone.

use super::{Convolution, GradientRows};
use crate::parallel::{Pieces, for_each_task, for_each_task_with_scratch};

/// Most chunks a batch is cut into for the gradient by the weights; each keeps a partial sum.
const MAX_CHUNKS: usize = 16;

/// Most floats all partial sums may take together, unless one alone is larger.
const MAX_PARTIAL_FLOATS: usize = 4 << 20;

/// Floats of the weights one task sums up over the chunks.
const REDUCTION_FLOATS: usize = 4096;

/// What the backward pass reads: `input` and `grad_output` for `batch` images, and the weights.
#[derive(Clone, Copy, Debug)]
pub struct BatchGradient<'a> {
    /// Images.
    pub batch: usize,
    /// `[batch, height, width, in_channels]`.
    pub input: &'a [f32],
    /// `[batch, out_height, out_width, out_channels]`.
    pub grad_output: &'a [f32],
    /// `[kernel_h, kernel_w, in_channels / groups, out_channels]`.
    pub weights: &'a [f32],
}

/// What the backward pass writes; an empty slice is not computed.
#[derive(Debug)]
pub struct BatchGradientOutput<'a> {
    /// As the input; overwritten.
    pub grad_input: &'a mut [f32],
    /// As the weights; overwritten.
    pub grad_weights: &'a mut [f32],
    /// `[out_channels]`; overwritten.
    pub grad_bias: &'a mut [f32],
}

impl Convolution {
    /// Floats of scratch [`Convolution::forward_batch`] needs.
    pub fn forward_scratch(&self, workers: usize) -> usize {
        self.packed_length() + workers * self.frame_length()
    }

    /// Output of a batch: `input` `[batch, height, width, in_channels]`, `output` `[batch, out_height, out_width,
    /// out_channels]`.
    pub fn forward_batch(
        &self,
        input: &[f32],
        (weights, bias): (&[f32], Option<&[f32]>),
        output: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (image, result) = (self.shape.input_length(), self.shape.output_length());
        let batch = input.len() / image;
        assert_eq!((input.len(), output.len()), (batch * image, batch * result), "input and output");
        let (packed, frames) = scratch.split_at_mut(self.packed_length());
        self.pack_weights(weights, packed);
        let output = Pieces::new(output);
        let work = batch * self.shape.multiply_adds();
        for_each_task_with_scratch(batch, work, (frames, self.frame_length()), |index, frame| {
            let source = &input[index * image..(index + 1) * image];
            // SAFETY: each task writes its own image.
            let target = unsafe { output.piece(index * result..(index + 1) * result) };
            if frame.is_empty() {
                self.forward_image(source, packed, bias, target);
            } else {
                self.fill_frame(source, frame);
                self.forward_image(frame, packed, bias, target);
            }
        });
    }

    /// Floats of scratch [`Convolution::backward_batch`] needs.
    pub fn backward_scratch(&self, batch: usize, workers: usize) -> usize {
        let partial = self.shape.weight_length() + self.shape.out_channels;
        self.packed_transposed_length() + self.chunks(batch) * partial + workers * self.backward_worker_scratch()
    }

    fn backward_worker_scratch(&self) -> usize {
        self.frame_length() + self.gradient_frame_length() + self.grad_weights_scratch()
    }

    fn chunks(&self, batch: usize) -> usize {
        let partial = self.shape.weight_length() + self.shape.out_channels;
        batch.min(MAX_CHUNKS).min((MAX_PARTIAL_FLOATS / partial).max(1))
    }

    /// Gradients of a batch.
    pub fn backward_batch(&self, read: BatchGradient<'_>, write: BatchGradientOutput<'_>, scratch: &mut [f32]) {
        let shape = &self.shape;
        let (image, result) = (shape.input_length(), shape.output_length());
        assert_eq!((read.input.len(), read.grad_output.len()), (read.batch * image, read.batch * result));
        let chunks = self.chunks(read.batch);
        let partial = shape.weight_length() + shape.out_channels;
        let (packed, rest) = scratch.split_at_mut(self.packed_transposed_length());
        let (partials, workers) = rest.split_at_mut(chunks * partial);
        let wants_input = !write.grad_input.is_empty();
        if wants_input {
            self.pack_transposed_weights(read.weights, packed);
        }
        let per_worker = self.backward_worker_scratch();
        let (grad_input, pieces) = (Pieces::new(write.grad_input), Pieces::new(partials));
        let images = read.batch.div_ceil(chunks);
        let work = read.batch * shape.multiply_adds();
        for_each_task_with_scratch(chunks, work, (workers, per_worker), |chunk, scratch| {
            // SAFETY: each task has its own partial sum and its own images.
            let sums = unsafe { pieces.piece(chunk * partial..(chunk + 1) * partial) };
            sums.fill(0.0);
            for index in chunk * images..((chunk + 1) * images).min(read.batch) {
                let source = &read.input[index * image..(index + 1) * image];
                let gradient = &read.grad_output[index * result..(index + 1) * result];
                self.add_image(source, gradient, sums, scratch);
                if wants_input {
                    // SAFETY: as above.
                    let target = unsafe { grad_input.piece(index * image..(index + 1) * image) };
                    let frame = &mut scratch[self.frame_length()..][..self.gradient_frame_length()];
                    self.fill_gradient_frame(gradient, frame);
                    self.grad_input_image(frame, packed, false, target);
                }
            }
        });
        let weights = shape.weight_length();
        sum_partials(partials, partial, 0, write.grad_weights);
        sum_partials(partials, partial, weights, write.grad_bias);
    }

    /// Adds one image's gradient by weights and bias to `sums` (weights, then bias).
    fn add_image(&self, image: &[f32], gradient: &[f32], sums: &mut [f32], scratch: &mut [f32]) {
        let shape = &self.shape;
        let (frame, rest) = scratch.split_at_mut(self.frame_length());
        let columns = &mut rest[self.gradient_frame_length()..];
        let (weights, bias) = sums.split_at_mut(shape.weight_length());
        let rows = GradientRows { values: gradient, row: shape.out_width() * shape.out_channels };
        if frame.is_empty() {
            self.add_grad_weights_image(image, rows, (weights, columns));
        } else {
            self.fill_frame(image, frame);
            self.add_grad_weights_image(frame, rows, (weights, columns));
        }
        for position in gradient.chunks_exact(shape.out_channels) {
            bias.iter_mut().zip(position).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// Sums `target.len()` floats from `offset` on over all partials, in order.
fn sum_partials(partials: &[f32], partial: usize, offset: usize, target: &mut [f32]) {
    let length = target.len();
    let pieces = Pieces::new(target);
    for_each_task(length.div_ceil(REDUCTION_FLOATS), partials.len(), |task| {
        let range = task * REDUCTION_FLOATS..((task + 1) * REDUCTION_FLOATS).min(length);
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        target.fill(0.0);
        for part in partials.chunks_exact(partial) {
            let source = &part[offset + range.start..offset + range.end];
            target.iter_mut().zip(source).for_each(|(sum, value)| *sum += value);
        }
    });
}
