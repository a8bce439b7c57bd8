//! Convolution of a whole batch: images are shared among threads, in passes of a few; sums over images are taken in chunks that
//! depend only on the batch.

use std::ops::Range;

use super::grad_input::FrameRows;
use super::gradient_pass::{GradientPass, GradientRows};
use super::{Convolution, ConvolutionAt, Filter, Pass};
use crate::parallel::{Pieces, WorkerScratch, for_each_chunk_mut, for_each_task, for_each_task_with_scratch, workers};
use crate::scratch::Scratch;

/// Maximum number of chunks of a batch for the weight gradient; each has a partial sum.
const MAX_CHUNKS: usize = 16;

/// Minimum number of chunks, so that several threads have work.
const MIN_CHUNKS: usize = 2;

/// Maximum number of floats of all partial sums together, unless [`MIN_CHUNKS`] need more.
const MAX_PARTIAL_FLOATS: usize = 8 << 20;

/// Minimum number of passes of a batch per thread, if there are enough images, so that threads finish at about the same time.
const PASSES_PER_WORKER: usize = 4;

/// Number of floats of packed weights from which each thread computes its images in as few passes as possible: every pass reads all
/// weights, which do not stay in its caches.
const LARGE_WEIGHTS: usize = 1 << 18;

/// Number of weights that one task sums over the chunks.
const REDUCTION_FLOATS: usize = 4096;

/// Operands of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct BatchInput<'a> {
    /// Input, `[batch, height, width, in_channels]`.
    pub input: &'a [f32],
    /// Weights and bias.
    pub filter: Filter<'a>,
}

/// Operands of the backward pass: `input` and `grad_output` for `batch` images, and the weights.
#[derive(Clone, Copy, Debug)]
pub struct BatchGradient<'a> {
    /// Number of images.
    pub batch: usize,
    /// Input of the forward pass, `[batch, height, width, in_channels]`.
    pub input: &'a [f32],
    /// Gradient with respect to the output, `[batch, out_height, out_width, out_channels]`.
    pub grad_output: &'a [f32],
    /// Weights, `[kernel_h, kernel_w, in_channels / groups, out_channels]`.
    pub weights: &'a [f32],
}

/// Results of the backward pass; an empty slice is not computed.
#[derive(Debug)]
pub struct BatchGradientOutput<'a> {
    /// Gradient with respect to the input, of the same shape; overwritten.
    pub grad_input: &'a mut [f32],
    /// Gradient with respect to the weights, of the same shape; overwritten.
    pub grad_weights: &'a mut [f32],
    /// Gradient with respect to the bias, `[out_channels]`; overwritten.
    pub grad_bias: &'a mut [f32],
    /// True to add to `grad_input` instead.
    pub accumulate: bool,
}

/// Source of the output gradients of a backward pass.
#[derive(Clone, Copy)]
enum Gradients<'a> {
    /// `grad_output` itself, for convolutions that need no padding frame.
    Given,
    /// A function that writes the rows of one image.
    Written(&'a (dyn Fn(usize, &mut GradientRowsMut<'_>) + Sync)),
}

impl ConvolutionAt<'_> {
    /// Returns the length of the scratch buffer of [`ConvolutionAt::forward_batch`] in floats.
    pub fn forward_scratch(&self, workers: usize) -> usize {
        self.packed_length() + workers * (self.images * self.frame_length() + self.forward_pass_scratch())
    }

    /// Computes the output of a batch, `[batch, out_height, out_width, out_channels]`.
    ///
    /// # Panics
    /// If a length does not fit the shape.
    pub fn forward_batch(&self, read: BatchInput<'_>, output: &mut [f32], scratch: Scratch<'_>) {
        self.forward_batch_then(read, output, scratch, |_, _| {});
    }

    /// Computes a batch like [`ConvolutionAt::forward_batch`]; calls `then(index, image)` for each output image while it is in the
    /// cache.
    pub fn forward_batch_then(
        &self,
        read: BatchInput<'_>,
        output: &mut [f32],
        scratch: Scratch<'_>,
        then: impl Fn(usize, &[f32]) + Sync,
    ) {
        let result = self.shape.output_length();
        let images = self.images_of(read.input);
        assert_eq!(output.len(), images * result, "output of {images} images");
        if self.joins_images() {
            self.forward_joined(read, output);
            return for_each_task(images, output.len(), |index| {
                then(index, &output[index * result..(index + 1) * result])
            });
        }
        let output = Pieces::new(output);
        self.for_each_pass(read, scratch, 0, |images, compute, _| {
            // SAFETY: each task writes its own images.
            let target = unsafe { output.piece(images.start * result..images.end * result) };
            compute(target);
            images.zip(target.chunks_exact(result)).for_each(|(index, image)| then(index, image));
        });
    }

    /// Returns the length of the scratch buffer of [`ConvolutionAt::forward_images`] in floats.
    pub fn forward_images_scratch(&self, workers: usize) -> usize {
        self.forward_scratch(workers) + workers * self.images * self.shape.output_length()
    }

    /// Computes each output image in the scratch buffer and passes it to `take(index, image)`; the output of the batch is not stored.
    pub fn forward_images(&self, read: BatchInput<'_>, scratch: Scratch<'_>, take: impl Fn(usize, &mut [f32]) + Sync) {
        let result = self.shape.output_length();
        self.for_each_pass(read, scratch, result, |images, compute, outputs| {
            compute(outputs);
            images.zip(outputs.chunks_exact_mut(result)).for_each(|(index, image)| take(index, image));
        });
    }

    /// Calls `operation(images, compute, own)` for each pass, where `compute` writes the output images and `own` is a scratch
    /// buffer of `own_length` floats for each of them.
    fn for_each_pass(
        &self,
        read: BatchInput<'_>,
        scratch: Scratch<'_>,
        own_length: usize,
        operation: impl Fn(Range<usize>, &mut dyn FnMut(&mut [f32]), &mut [f32]) + Sync,
    ) {
        let BatchInput { input, filter: Filter { weights, bias } } = read;
        let (image, batch) = (self.shape.input_length(), self.images_of(input));
        let (packed, rest) = scratch.take(self.packed_length());
        self.pack_weights(weights, packed);
        let packed = &*packed;
        let work = batch.saturating_mul(self.shape.multiply_adds());
        // An output image has the same bits in any pass, so that the size of passes may depend on the number of threads.
        let share = match packed.len() {
            LARGE_WEIGHTS.. => batch.div_ceil(workers()),
            _ => batch / (PASSES_PER_WORKER * workers()),
        };
        let most = self.images.min(share).max(1);
        let per_worker = most * (self.frame_length() + own_length) + self.forward_pass_scratch();
        let scratch = WorkerScratch { floats: rest.0, per_worker };
        for_each_task_with_scratch(batch.div_ceil(most), work, scratch, |pass, scratch| {
            let images = pass * most..((pass + 1) * most).min(batch);
            let (frames, rest) = scratch.split_at_mut(most * self.frame_length());
            let (of_pass, own) = rest.split_at_mut(self.forward_pass_scratch());
            let frames = self.framed(&input[images.start * image..images.end * image], frames);
            let own = &mut own[..images.len() * own_length];
            let pass = Pass { frames, packed, bias, accumulate: false };
            operation(images, &mut |target| self.forward_pass(pass, target, Scratch(&mut *of_pass)), own);
        });
    }

    /// Returns the number of images in `input`.
    fn images_of(&self, input: &[f32]) -> usize {
        let image = self.shape.input_length();
        assert!(input.len().is_multiple_of(image), "{} floats in images of {image}", input.len());
        input.len() / image
    }

    /// Copies the images into padding frames, or returns them directly if they need none.
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

    /// Returns the length of the scratch buffer of [`ConvolutionAt::backward_batch`] in floats.
    pub fn backward_scratch(&self, batch: usize, workers: usize) -> usize {
        if self.joins_images() {
            return batch * self.shape.output_length() + self.backward_joined_scratch(batch);
        }
        let partials = self.chunks(batch) * self.partial_length();
        self.packed_transposed_length() + partials + workers * self.backward_worker_scratch()
    }

    fn backward_worker_scratch(&self) -> usize {
        let of_pass = self.grad_weights_scratch().max(self.grad_input_scratch());
        self.images * (self.frame_length() + self.gradient_frame_length()) + of_pass
    }

    /// Computes the gradients of a batch.
    ///
    /// # Panics
    /// If a length does not fit the shape or the batch.
    pub fn backward_batch(&self, read: BatchGradient<'_>, write: BatchGradientOutput<'_>, scratch: Scratch<'_>) {
        let (result, row) = (self.shape.output_length(), self.shape.out_width() * self.shape.out_channels);
        let length = read.batch.checked_mul(result);
        assert_eq!(Some(read.grad_output.len()), length, "output gradient of {} images", read.batch);
        if self.joins_images() {
            return self.backward_joined(read, write, scratch);
        }
        if self.gradient_frame_length() == result {
            return self.backward_passes(read, write, scratch, Gradients::Given);
        }
        let gradient = |index: usize, rows: &mut GradientRowsMut<'_>| {
            let source = &read.grad_output[index * result..(index + 1) * result];
            source.chunks_exact(row).enumerate().for_each(|(y, values)| rows.row(y).copy_from_slice(values));
        };
        self.backward_passes(read, write, scratch, Gradients::Written(&gradient));
    }

    /// Computes a batch like [`ConvolutionAt::backward_batch`] from output gradients that `gradient(index, rows)` writes, one image
    /// at a time and just before it is used: `read.grad_output` is ignored. It must write every row of the image.
    pub fn backward_batch_from(
        &self,
        read: BatchGradient<'_>,
        write: BatchGradientOutput<'_>,
        scratch: Scratch<'_>,
        gradient: impl Fn(usize, &mut GradientRowsMut<'_>) + Sync,
    ) {
        if self.joins_images() {
            let (result, row) = (self.shape.output_length(), self.shape.out_width() * self.shape.out_channels);
            let (grad_output, scratch) = scratch.take(read.batch * result);
            for_each_chunk_mut(grad_output, result, |index, image| {
                gradient(index, &mut GradientRowsMut { values: image, stride: row, length: row });
            });
            self.assert_batch(read);
            return self.backward_joined(BatchGradient { grad_output, ..read }, write, scratch);
        }
        self.backward_passes(read, write, scratch, Gradients::Written(&gradient));
    }

    fn assert_batch(&self, read: BatchGradient<'_>) {
        assert!(read.batch > 0, "a batch without images");
        let length = read.batch.checked_mul(self.shape.input_length());
        assert_eq!(Some(read.input.len()), length, "input of {} images", read.batch);
    }

    /// Computes the gradients of a batch, pass by pass.
    fn backward_passes(
        &self,
        read: BatchGradient<'_>,
        write: BatchGradientOutput<'_>,
        scratch: Scratch<'_>,
        gradients: Gradients<'_>,
    ) {
        self.assert_batch(read);
        let shape = &self.shape;
        let (image, result) = (shape.input_length(), shape.output_length());
        let chunks = self.chunks(read.batch);
        let (weight_sums, partial) = (self.grad_weights_sums(), self.partial_length());
        let (packed, rest) = scratch.take(self.packed_transposed_length());
        let (partials, rest) = rest.take(chunks * partial);
        let scratch = WorkerScratch { floats: rest.0, per_worker: self.backward_worker_scratch() };
        let FrameRows { origin, step: row } = self.gradient_frame_rows();
        let (wants_input, wants_bias) = (!write.grad_input.is_empty(), !write.grad_bias.is_empty());
        let wants_weights = !write.grad_weights.is_empty();
        if wants_input {
            self.pack_transposed_weights(read.weights, packed);
        }
        let packed = &*packed;
        let (grad_input, pieces) = (Pieces::new(write.grad_input), Pieces::new(&mut *partials));
        let per_chunk = read.batch.div_ceil(chunks);
        let most = self.images.min(per_chunk);
        let work = read.batch.saturating_mul(shape.multiply_adds());
        for_each_task_with_scratch(chunks, work, scratch, |chunk, scratch| {
            // SAFETY: each task has its own partial sum and its own images.
            let sums = unsafe { pieces.piece(chunk * partial..(chunk + 1) * partial) };
            sums.fill(0.0);
            let (weights, bias) = sums.split_at_mut(weight_sums);
            let (frames, rest) = scratch.split_at_mut(most * self.frame_length());
            let (gradient_frames, of_pass) = rest.split_at_mut(most * self.gradient_frame_length());
            if matches!(gradients, Gradients::Written(_)) {
                gradient_frames.fill(0.0);
            }
            let end = ((chunk + 1) * per_chunk).min(read.batch);
            for first in (chunk * per_chunk..end).step_by(most) {
                let images = first..(first + most).min(end);
                let gradient_frames = match gradients {
                    Gradients::Given => &read.grad_output[images.start * result..images.end * result],
                    Gradients::Written(write) => {
                        let frames = &mut gradient_frames[..images.len() * self.gradient_frame_length()];
                        let each_frame = frames.chunks_exact_mut(self.gradient_frame_length());
                        for (index, frame) in images.clone().zip(each_frame) {
                            write(index, &mut self.gradient_rows(frame));
                        }
                        &*frames
                    }
                };
                if wants_weights {
                    let frames = self.framed(&read.input[images.start * image..images.end * image], frames);
                    let values = &gradient_frames[origin..];
                    let grad_output = GradientRows { values, row, image: self.gradient_frame_length() };
                    let pass = GradientPass { frames, grad_output };
                    self.add_grad_weights_pass(pass, weights, Scratch(&mut *of_pass));
                }
                if wants_bias {
                    self.simd.run(
                        #[inline(always)]
                        || self.add_bias(gradient_frames, bias),
                    );
                }
                if wants_input {
                    // SAFETY: as above.
                    let target = unsafe { grad_input.piece(images.start * image..images.end * image) };
                    let accumulate = write.accumulate;
                    let pass = Pass { frames: gradient_frames, packed, bias: None, accumulate };
                    self.grad_input_pass(pass, target, Scratch(&mut *of_pass));
                }
            }
        });
        let sums = sum_partials(partials, partial);
        if wants_weights {
            self.finish_grad_weights(&sums[..weight_sums], write.grad_weights);
        }
        if wants_bias {
            write.grad_bias.copy_from_slice(&sums[weight_sums..]);
        }
    }
}

impl Convolution {
    /// Returns the number of floats of one partial sum: of the weight gradient, then of the bias gradient.
    fn partial_length(&self) -> usize {
        self.grad_weights_sums() + self.shape.out_channels
    }

    /// Returns the number of chunks: a power of two, which threads share evenly, or the batch size.
    fn chunks(&self, batch: usize) -> usize {
        let most = (MAX_PARTIAL_FLOATS / self.partial_length()).clamp(MIN_CHUNKS, MAX_CHUNKS);
        batch.min(1 << most.ilog2())
    }

    /// Returns the rows of an output gradient in its frame.
    pub(super) fn gradient_rows<'a>(&self, frame: &'a mut [f32]) -> GradientRowsMut<'a> {
        let FrameRows { origin, step: stride } = self.gradient_frame_rows();
        GradientRowsMut {
            values: &mut frame[origin..],
            stride,
            length: self.shape.out_width() * self.shape.out_channels,
        }
    }

    /// Adds the contribution of a few framed output gradients to the bias gradient.
    #[inline(always)]
    fn add_bias(&self, gradient_frames: &[f32], bias: &mut [f32]) {
        let FrameRows { origin, step: row } = self.gradient_frame_rows();
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

/// The rows of the output gradient of one image, for writing.
#[derive(Debug)]
pub struct GradientRowsMut<'a> {
    values: &'a mut [f32],
    stride: usize,
    length: usize,
}

impl GradientRowsMut<'_> {
    /// Returns row `y`, `[out_width, out_channels]`.
    pub fn row(&mut self, y: usize) -> &mut [f32] {
        &mut self.values[y * self.stride..][..self.length]
    }
}

/// Adds all partial sums to the first, in order.
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
