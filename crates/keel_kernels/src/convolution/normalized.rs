//! A convolution with the batch norm that follows: statistics are computed from each output image, and its gradient is computed,
//! while the image is in the cache.

use super::{BatchGradient, BatchGradientOutput, BatchInput, ConvolutionAt};
use crate::normalization::batch;
use crate::normalization::records::Records;
use crate::normalization::tail::{ImageRow, Tail, TailGradient, TailInput, TailInputGradient};
use crate::parallel::Pieces;
use crate::scratch::Scratch;
use crate::statistics::{GradientSignal, SAMPLED_IMAGES, gradient_chunk};

/// Number of floats of the gradient statistics of one image: sum of squares, maximum magnitude, number of non-finite values.
const MEASURES: usize = 3;

/// Norm and tail that are applied to an output image in evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// Work after the norm.
    pub tail: Tail,
    /// Table that the norm applies, `[FORWARD_TABLE, channels]`.
    pub table: &'a [f32],
    /// Second input, if the tail adds one.
    pub shortcut: &'a [f32],
}

/// Norm and tail of the backward pass.
#[derive(Debug)]
pub struct NormalizedGradient<'a> {
    /// Work after the norm.
    pub tail: Tail,
    /// Operands from which the tail's sums were computed.
    pub read: TailGradient<'a>,
    /// Table of [`batch::backward_table`], `[BACKWARD_TABLE, channels]`.
    pub backward: &'a [f32],
    /// Three floats per image for measuring the gradient of the convolution's own output in one of [`SAMPLED_IMAGES`] images; empty
    /// if that is not requested.
    pub measures: &'a mut [f32],
}

impl ConvolutionAt<'_> {
    /// Computes a batch like [`ConvolutionAt::forward_batch`], stores the records of the output's statistics for
    /// [`batch::finish_statistics`], and returns their layout.
    pub fn forward_batch_recorded(
        &self,
        read: BatchInput<'_>,
        output: &mut [f32],
        scratch: Scratch<'_>,
        records: &mut [f32],
    ) -> Records {
        let shape = self.shape();
        let (images, positions) = (read.input.len() / shape.input_length(), shape.out_height() * shape.out_width());
        let layout = batch::image_records(images, positions, shape.out_channels);
        let per_image = layout.floats(layout.count_per_image() - 1).end;
        let pieces = Pieces::new(records);
        self.forward_batch_then(read, output, scratch, |index, image| {
            // SAFETY: each image has its own records.
            let records = unsafe { pieces.piece(index * per_image..(index + 1) * per_image) };
            batch::record_image(self.simd, image, layout, shape.out_channels, records);
        });
        layout
    }

    /// Computes the output of a batch after norm and tail, without storing the convolution's own output as a whole. `scratch` has
    /// [`ConvolutionAt::forward_images_scratch`] floats.
    pub fn forward_batch_finished(
        &self,
        read: BatchInput<'_>,
        finish: Finish<'_>,
        output: &mut [f32],
        scratch: Scratch<'_>,
    ) {
        let images = read.input.len() / self.shape().input_length();
        let length = output.len() / images.max(1);
        let Finish { tail, table, shortcut } = finish;
        let pieces = Pieces::new(output);
        self.forward_images(read, scratch, |index, image| {
            // SAFETY: each image has its own part of the output.
            let target = unsafe { pieces.piece(index * length..(index + 1) * length) };
            let shortcut = shortcut.get(index * length..(index + 1) * length).unwrap_or_default();
            tail.forward_image(TailInput { simd: self.simd, x: image, shortcut, table }, target);
        });
    }

    /// Computes a batch like [`ConvolutionAt::backward_batch`] from the gradient of the tail's output in `read.grad_output`, as
    /// left by [`Tail::gradient_sums`]: the gradient of the convolution's own output is computed image by image.
    pub fn backward_batch_normalized(
        &self,
        read: BatchGradient<'_>,
        norm: NormalizedGradient<'_>,
        write: BatchGradientOutput<'_>,
        scratch: Scratch<'_>,
    ) -> Option<GradientSignal> {
        let (rows, length) = (self.shape().out_height(), self.shape().output_length());
        let NormalizedGradient { tail, read: of_tail, backward, measures: noted } = norm;
        assert_eq!(Some(of_tail.x.len()), read.batch.checked_mul(length), "input of the norm");
        let given = TailInputGradient { read: of_tail, dy: read.grad_output, backward };
        let measured = !noted.is_empty();
        let pieces = Pieces::new(&mut *noted);
        self.backward_batch_from(read, write, scratch, |image, target| {
            let measures = measured && image.is_multiple_of(SAMPLED_IMAGES);
            let mut signal = GradientSignal::combine(&[]);
            for y in 0..rows {
                let row = target.row(y);
                tail.input_gradient_row(given, ImageRow { image, y, image_length: length }, row);
                if measures {
                    let part = self.simd.run(
                        #[inline(always)]
                        || gradient_chunk(row),
                    );
                    signal = signal.with(GradientSignal::combine(&[part]));
                }
            }
            if measures {
                // SAFETY: each image has its own floats.
                let noted = unsafe { pieces.piece(image * MEASURES..(image + 1) * MEASURES) };
                let values = [signal.squares as f32, signal.max_abs.unwrap_or(0.0), signal.non_finite as f32];
                noted.copy_from_slice(&values);
            }
        });
        measured.then(|| sampled(&noted[..read.batch * MEASURES], length))
    }
}

/// Returns the statistics of the sampled images from the measures of each, of `length` values.
fn sampled(noted: &[f32], length: usize) -> GradientSignal {
    noted.chunks_exact(MEASURES).step_by(SAMPLED_IMAGES).fold(GradientSignal::combine(&[]), |total, image| {
        total.with(GradientSignal {
            count: length as u64,
            squares: f64::from(image[0]),
            max_abs: Some(image[1]),
            non_finite: image[2] as u64,
        })
    })
}
