//! A convolution with the batch norm that follows: statistics are taken from each output image, and the gradient by it
//! is made, while the image is in the cache.

use super::{BatchGradient, BatchGradientOutput, Convolution};
use crate::normalization::batch;
use crate::normalization::records::Records;
use crate::normalization::tail::{Tail, TailGradient};
use crate::parallel::Pieces;
use crate::simd;
use crate::statistics::{GradientSignal, SAMPLED_IMAGES, gradient_chunk};

/// Floats of room for the gradient statistics of one image: sum of squares, largest value, values that are not finite.
const MEASURES: usize = 3;

/// What turns an output image into what is kept of it in evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// What follows the norm.
    pub tail: Tail,
    /// The table the norm applies, `[FORWARD_TABLE, channels]`.
    pub table: &'a [f32],
    /// The second input, if the tail adds one.
    pub shortcut: &'a [f32],
}

impl Convolution {
    /// As [`Convolution::forward_batch`]; leaves the records of the output's statistics, for
    /// [`batch::finish_statistics`], and returns their layout.
    pub fn forward_batch_recorded(
        &self,
        input: &[f32],
        parameters: (&[f32], Option<&[f32]>),
        (output, scratch): (&mut [f32], &mut [f32]),
        records: &mut [f32],
    ) -> Records {
        let shape = self.shape();
        let (images, positions) = (input.len() / shape.input_length(), shape.out_height() * shape.out_width());
        let layout = batch::image_records(images, positions, shape.out_channels);
        let per_image = layout.floats(layout.count_per_image() - 1).end;
        let pieces = Pieces::new(records);
        self.forward_batch_then(input, parameters, (output, scratch), |index, image| {
            // SAFETY: each image has its own records.
            let records = unsafe { pieces.piece(index * per_image..(index + 1) * per_image) };
            batch::record_image(image, layout, shape.out_channels, records);
        });
        layout
    }

    /// Output of a batch behind norm and tail, without the convolution's own output ever being in memory as a whole.
    /// `scratch` holds [`Convolution::forward_images_scratch`] floats.
    pub fn forward_batch_finished(
        &self,
        input: &[f32],
        parameters: (&[f32], Option<&[f32]>),
        finish: Finish<'_>,
        (output, scratch): (&mut [f32], &mut [f32]),
    ) {
        let images = input.len() / self.shape().input_length();
        let length = output.len() / images;
        let pieces = Pieces::new(output);
        self.forward_images(input, parameters, scratch, |index, image| {
            // SAFETY: each image has its own part of the output.
            let target = unsafe { pieces.piece(index * length..(index + 1) * length) };
            let shortcut = finish.shortcut.get(index * length..(index + 1) * length).unwrap_or_default();
            finish.tail.forward_image((image, shortcut), finish.table, target);
        });
    }

    /// As [`Convolution::backward_batch`], from the gradient by the tail's output in `read.grad_output`, as
    /// [`Tail::gradient_sums`] left it: the gradient by the convolution's own output is made image by image, and measured
    /// in one of [`SAMPLED_IMAGES`] images if there is `room` for it (three floats an image).
    pub fn backward_batch_normalized(
        &self,
        read: BatchGradient<'_>,
        (tail, gradient, backward): (Tail, TailGradient<'_>, &[f32]),
        (write, scratch): (BatchGradientOutput<'_>, &mut [f32]),
        room: &mut [f32],
    ) -> Option<GradientSignal> {
        let (rows, length) = (self.shape().out_height(), self.shape().output_length());
        assert_eq!(gradient.x.len(), read.batch * length, "input of the norm");
        let measured = !room.is_empty();
        let pieces = Pieces::new(room);
        self.backward_batch_from(read, write, scratch, |image, target| {
            let measures = measured && image.is_multiple_of(SAMPLED_IMAGES);
            let mut signal = GradientSignal::combine(&[]);
            for y in 0..rows {
                let row = target.row(y);
                tail.input_gradient_row((image, y), (read.grad_output, gradient), (length, backward), row);
                if measures {
                    let part = simd::level().run(
                        #[inline(always)]
                        || gradient_chunk(row),
                    );
                    signal = signal.with(GradientSignal::combine(&[part]));
                }
            }
            if measures {
                // SAFETY: each image has its own room.
                let room = unsafe { pieces.piece(image * MEASURES..(image + 1) * MEASURES) };
                let values = [signal.squares as f32, signal.max_abs.unwrap_or(0.0), signal.non_finite as f32];
                room.copy_from_slice(&values);
            }
        });
        measured.then(|| sampled(&room[..read.batch * MEASURES], length))
    }
}

/// The statistics of the sampled images from what was noted of each, of `length` values.
fn sampled(room: &[f32], length: usize) -> GradientSignal {
    room.chunks_exact(MEASURES).step_by(SAMPLED_IMAGES).fold(GradientSignal::combine(&[]), |total, image| {
        total.with(GradientSignal {
            count: length as u64,
            squares: f64::from(image[0]),
            max_abs: Some(image[1]),
            non_finite: image[2] as u64,
        })
    })
}
