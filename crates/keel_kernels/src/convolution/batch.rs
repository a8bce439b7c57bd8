//! A whole batch: images shared over threads, in passes of a few; sums over images are taken in chunks that depend on the
//! batch alone.

use std::ops::Range;

use super::{Convolution, GradientRows};
use crate::parallel::{Pieces, for_each_chunk_mut, for_each_task, for_each_task_with_scratch, workers};

/// Most chunks a batch is cut into for the gradient by the weights; each keeps a partial sum.
const MAX_CHUNKS: usize = 16;

/// Most floats all partial sums may take together, unless one alone is larger.
const MAX_PARTIAL_FLOATS: usize = 8 << 20;

/// Passes of a batch for each thread at least, if it has as many images: for them to end at the same time.
const PASSES_PER_WORKER: usize = 4;

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
    /// Whether `grad_input` is added to instead.
    pub accumulate: bool,
}

impl Convolution {
    /// Floats of scratch [`Convolution::forward_batch`] needs.
    pub fn forward_scratch(&self, workers: usize) -> usize {
        self.packed_length() + workers * (self.images * self.frame_length() + self.forward_room())
    }

    /// Output of a batch: `input` `[batch, height, width, in_channels]`, `output` `[batch, out_height, out_width,
    /// out_channels]`.
    pub fn forward_batch(
        &self,
        input: &[f32],
        parameters: (&[f32], Option<&[f32]>),
        output: &mut [f32],
        scratch: &mut [f32],
    ) {
        self.forward_batch_then(input, parameters, (output, scratch), |_, _| {});
    }

    /// As [`Convolution::forward_batch`]; `then(index, image)` sees each output image while it is in the cache.
    pub fn forward_batch_then(
        &self,
        input: &[f32],
        parameters: (&[f32], Option<&[f32]>),
        (output, scratch): (&mut [f32], &mut [f32]),
        then: impl Fn(usize, &[f32]) + Sync,
    ) {
        let result = self.shape.output_length();
        assert_eq!(output.len() / result, input.len() / self.shape.input_length(), "images of input and output");
        if self.joins_images() {
            self.forward_joined(input, parameters, output);
            let images = output.len() / result;
            return for_each_task(images, output.len(), |index| {
                then(index, &output[index * result..(index + 1) * result])
            });
        }
        let output = Pieces::new(output);
        self.for_each_pass(input, parameters, (scratch, 0), |images, compute, _| {
            // SAFETY: each task writes its own images.
            let target = unsafe { output.piece(images.start * result..images.end * result) };
            compute(target);
            images.zip(target.chunks_exact(result)).for_each(|(index, image)| then(index, image));
        });
    }

    /// Floats of scratch [`Convolution::forward_images`] needs.
    pub fn forward_images_scratch(&self, workers: usize) -> usize {
        self.forward_scratch(workers) + workers * self.images * self.shape.output_length()
    }

    /// Computes each output image in scratch, for `take(index, image)` to use; no output of the batch exists.
    pub fn forward_images(
        &self,
        input: &[f32],
        parameters: (&[f32], Option<&[f32]>),
        scratch: &mut [f32],
        take: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let result = self.shape.output_length();
        self.for_each_pass(input, parameters, (scratch, result), |images, compute, room| {
            compute(room);
            images.zip(room.chunks_exact_mut(result)).for_each(|(index, image)| take(index, image));
        });
    }

    /// Calls `operation(images, compute, room)` for each pass, where `compute` writes the output images and `room` are
    /// `room_length` floats of scratch for each of them.
    fn for_each_pass(
        &self,
        input: &[f32],
        (weights, bias): (&[f32], Option<&[f32]>),
        (scratch, room_length): (&mut [f32], usize),
        operation: impl Fn(Range<usize>, &mut dyn FnMut(&mut [f32]), &mut [f32]) + Sync,
    ) {
        let image = self.shape.input_length();
        let batch = input.len() / image;
        assert_eq!(input.len(), batch * image, "input");
        let (packed, rooms) = scratch.split_at_mut(self.packed_length());
        self.pack_weights(weights, packed);
        let work = batch * self.shape.multiply_adds();
        // An output image has the same bits in any pass, so their number may follow the threads.
        let most = self.images.min(batch / (PASSES_PER_WORKER * workers())).max(1);
        let per_worker = most * (self.frame_length() + room_length) + self.forward_room();
        for_each_task_with_scratch(batch.div_ceil(most), work, (rooms, per_worker), |pass, scratch| {
            let images = pass * most..((pass + 1) * most).min(batch);
            let (frames, rest) = scratch.split_at_mut(most * self.frame_length());
            let (own_room, room) = rest.split_at_mut(self.forward_room());
            let frames = self.framed(&input[images.start * image..images.end * image], frames);
            let room = &mut room[..images.len() * room_length];
            operation(images, &mut |target| self.forward_pass(frames, packed, bias, (target, own_room)), room);
        });
    }

    /// The images in their frames, or themselves where they need none.
    fn framed<'a>(&self, images: &'a [f32], frames: &'a mut [f32]) -> &'a [f32] {
        if self.frame_length() == 0 {
            return images;
        }
        let images = images.chunks_exact(self.shape.input_length());
        let count = images.len();
        for (image, frame) in images.zip(frames.chunks_exact_mut(self.frame_length())) {
            self.fill_frame(image, frame);
        }
        &frames[..count * self.frame_length()]
    }

    /// Floats of scratch [`Convolution::backward_batch`] needs.
    pub fn backward_scratch(&self, batch: usize, workers: usize) -> usize {
        if self.joins_images() {
            return batch * self.shape.output_length() + self.backward_joined_scratch(batch);
        }
        let partials = self.chunks(batch) * self.partial_length();
        self.packed_transposed_length() + partials + workers * self.backward_worker_scratch()
    }

    fn backward_worker_scratch(&self) -> usize {
        let room = self.grad_weights_scratch().max(self.grad_input_room());
        self.images * (self.frame_length() + self.gradient_frame_length()) + room
    }

    /// Floats of one partial sum: of the gradient by the weights, then of that by the bias.
    fn partial_length(&self) -> usize {
        self.grad_weights_sums() + self.shape.out_channels
    }

    /// A power of two, which threads share evenly, or the batch.
    fn chunks(&self, batch: usize) -> usize {
        let most = (MAX_PARTIAL_FLOATS / self.partial_length()).clamp(1, MAX_CHUNKS);
        batch.min(1 << most.ilog2())
    }

    /// Gradients of a batch.
    pub fn backward_batch(&self, read: BatchGradient<'_>, write: BatchGradientOutput<'_>, scratch: &mut [f32]) {
        let (result, row) = (self.shape.output_length(), self.shape.out_width() * self.shape.out_channels);
        assert_eq!(read.grad_output.len(), read.batch * result, "output gradient");
        if self.joins_images() {
            return self.backward_joined(read, write, scratch);
        }
        self.backward_batch_from(read, write, scratch, |index, rows| {
            let source = &read.grad_output[index * result..(index + 1) * result];
            source.chunks_exact(row).enumerate().for_each(|(y, values)| rows.row(y).copy_from_slice(values));
        });
    }

    /// As [`Convolution::backward_batch`], with the output gradient written by `gradient(index, rows)` one image at a
    /// time, just before it is used: `read.grad_output` is not looked at. It writes every row of the image.
    pub fn backward_batch_from(
        &self,
        read: BatchGradient<'_>,
        write: BatchGradientOutput<'_>,
        scratch: &mut [f32],
        gradient: impl Fn(usize, &mut GradientRowsMut<'_>) + Sync,
    ) {
        let shape = &self.shape;
        let image = shape.input_length();
        assert_eq!(read.input.len(), read.batch * image, "input");
        if self.joins_images() {
            let (result, row) = (shape.output_length(), shape.out_width() * shape.out_channels);
            let (grad_output, scratch) = scratch.split_at_mut(read.batch * result);
            for_each_chunk_mut(grad_output, result, |index, image| {
                gradient(index, &mut GradientRowsMut { values: image, stride: row, length: row });
            });
            return self.backward_joined(BatchGradient { grad_output, ..read }, write, scratch);
        }
        let chunks = self.chunks(read.batch);
        let (weight_sums, partial) = (self.grad_weights_sums(), self.partial_length());
        let (packed, rest) = scratch.split_at_mut(self.packed_transposed_length());
        let (partials, workers) = rest.split_at_mut(chunks * partial);
        let (wants_input, wants_bias) = (!write.grad_input.is_empty(), !write.grad_bias.is_empty());
        if wants_input {
            self.pack_transposed_weights(read.weights, packed);
        }
        let per_worker = self.backward_worker_scratch();
        let (grad_input, pieces) = (Pieces::new(write.grad_input), Pieces::new(partials));
        let per_chunk = read.batch.div_ceil(chunks);
        let most = self.images.min(per_chunk);
        let work = read.batch * shape.multiply_adds();
        for_each_task_with_scratch(chunks, work, (workers, per_worker), |chunk, scratch| {
            // SAFETY: each task has its own partial sum and its own images.
            let sums = unsafe { pieces.piece(chunk * partial..(chunk + 1) * partial) };
            sums.fill(0.0);
            let (weights, bias) = sums.split_at_mut(weight_sums);
            let (frames, rest) = scratch.split_at_mut(most * self.frame_length());
            let (gradient_frames, room) = rest.split_at_mut(most * self.gradient_frame_length());
            gradient_frames.fill(0.0);
            let end = ((chunk + 1) * per_chunk).min(read.batch);
            for first in (chunk * per_chunk..end).step_by(most) {
                let images = first..(first + most).min(end);
                let gradient_frames = &mut gradient_frames[..images.len() * self.gradient_frame_length()];
                let each_frame = gradient_frames.chunks_exact_mut(self.gradient_frame_length());
                for (index, frame) in images.clone().zip(each_frame) {
                    gradient(index, &mut self.gradient_rows(frame));
                }
                let frames = self.framed(&read.input[images.start * image..images.end * image], frames);
                self.add_pass(frames, gradient_frames, weights, room);
                if wants_bias {
                    self.add_bias(gradient_frames, bias);
                }
                if wants_input {
                    // SAFETY: as above.
                    let target = unsafe { grad_input.piece(images.start * image..images.end * image) };
                    self.grad_input_pass(gradient_frames, packed, write.accumulate, (target, &mut *room));
                }
            }
        });
        let sums = sum_partials(partials, partial);
        if !write.grad_weights.is_empty() {
            self.finish_grad_weights(&sums[..weight_sums], write.grad_weights);
        }
        if wants_bias {
            write.grad_bias.copy_from_slice(&sums[weight_sums..]);
        }
    }

    fn gradient_rows<'a>(&self, frame: &'a mut [f32]) -> GradientRowsMut<'a> {
        let (origin, stride) = self.gradient_frame_rows();
        GradientRowsMut {
            values: &mut frame[origin..],
            stride,
            length: self.shape.out_width() * self.shape.out_channels,
        }
    }

    /// Adds a pass's part to the gradient by the weights, from the framed images and their framed output gradients.
    fn add_pass(&self, frames: &[f32], gradient_frames: &[f32], weights: &mut [f32], room: &mut [f32]) {
        let (origin, row) = self.gradient_frame_rows();
        let rows = GradientRows { values: &gradient_frames[origin..], row, image: self.gradient_frame_length() };
        self.add_grad_weights_pass(frames, rows, (weights, room));
    }

    /// Adds the part of a few framed output gradients to the gradient by the bias.
    fn add_bias(&self, gradient_frames: &[f32], bias: &mut [f32]) {
        let (origin, row) = self.gradient_frame_rows();
        for frame in gradient_frames.chunks_exact(self.gradient_frame_length()) {
            for y in 0..self.shape.out_height() {
                let row = &frame[origin + y * row..][..self.shape.out_width() * self.shape.out_channels];
                for position in row.chunks_exact(self.shape.out_channels) {
                    bias.iter_mut().zip(position).for_each(|(sum, value)| *sum += value);
                }
            }
        }
    }
}

/// The rows of one image of output gradients, to be written.
#[derive(Debug)]
pub struct GradientRowsMut<'a> {
    values: &'a mut [f32],
    stride: usize,
    length: usize,
}

impl GradientRowsMut<'_> {
    /// Row `y`, `[out_width, out_channels]`.
    pub fn row(&mut self, y: usize) -> &mut [f32] {
        &mut self.values[y * self.stride..][..self.length]
    }
}

/// Adds all partials up in the first, in order.
fn sum_partials(partials: &mut [f32], partial: usize) -> &[f32] {
    let (first, others) = partials.split_at_mut(partial);
    let work = first.len() + others.len();
    let pieces = Pieces::new(&mut *first);
    for_each_task(partial.div_ceil(REDUCTION_FLOATS), work, |task| {
        let range = task * REDUCTION_FLOATS..((task + 1) * REDUCTION_FLOATS).min(partial);
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        for part in others.chunks_exact(partial) {
            target.iter_mut().zip(&part[range.clone()]).for_each(|(sum, value)| *sum += value);
        }
    });
    first
}
