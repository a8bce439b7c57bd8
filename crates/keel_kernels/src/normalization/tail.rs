//! Operations after a batch norm in the same pass over memory: an activation, the shortcut of a residual block, pooling.
//!
//! Chooses between `batch_activation`, `batch_sum` and `pooled`, for whole batches and, after a convolution, for single images and
//! rows in its cache.

use super::batch::{self, FORWARD_TABLE, RECORD_FLOATS};
use super::batch_activation::{self, Activated};
use super::batch_sum::{self, Summed};
use super::pooled::{self, InputGradient, Pooled, PooledGradient, PooledOutput};
use super::records::{ImageRows, Records};
use crate::activation::Function;
use crate::columns::RowPair;
use crate::parallel::Pieces;
use crate::pooling::PoolShape;
use crate::simd::SimdLevel;
use crate::statistics::{CountedUnits, Limits, SAMPLED_IMAGES, Signal, SignalPart, UnitCounts};

/// Operations after the norm.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// Activation; identity for none.
    pub function: Function,
    /// Second input or pooling, if there is one.
    pub extra: Extra,
}

/// Operation of a tail in addition to its activation.
#[derive(Clone, Copy, Debug)]
pub enum Extra {
    /// No operation.
    None,
    /// A second input is added before the activation.
    Shortcut,
    /// Max pooling after the activation, [`PoolShape::is_pairs`].
    Pooling(PoolShape),
}

/// Slot for the statistics of an activation that pooling hides.
#[derive(Debug)]
pub struct Hidden<'a> {
    /// Counts of its channels.
    pub units: &'a mut UnitCounts,
    /// Range outside which it is saturated.
    pub limits: Limits,
    /// Parts of the statistics; the first call of a size allocates them.
    pub parts: &'a mut Vec<SignalPart>,
}

/// Operands of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct TailInput<'a> {
    /// SIMD level of the loops.
    pub simd: SimdLevel,
    /// Input of the norm, `[images, positions, channels]`.
    pub x: &'a [f32],
    /// Second input, of the same shape; read only if the tail [adds](Tail::adds) it.
    pub shortcut: &'a [f32],
    /// Table that the norm applies, `[FORWARD_TABLE, channels]`.
    pub table: &'a [f32],
}

/// Results of the forward pass.
#[derive(Debug)]
pub struct TailOutput<'a> {
    /// Output of the tail.
    pub y: &'a mut [f32],
    /// Positions for backward, [`Tail::places_length`] bytes; empty in evaluation.
    pub places: &'a mut [u8],
}

/// Operands of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct TailGradient<'a> {
    /// SIMD level of the loops.
    pub simd: SimdLevel,
    /// Input of the norm, `[images, positions, channels]`.
    pub x: &'a [f32],
    /// Output of the tail; read only if it [adds](Tail::adds).
    pub y: &'a [f32],
    /// Positions that forward wrote.
    pub places: &'a [u8],
    /// Table that the norm applied, `[FORWARD_TABLE, channels]`.
    pub table: &'a [f32],
}

/// Operands of the last step of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct TailInputGradient<'a> {
    /// Operands from which the sums were computed.
    pub read: TailGradient<'a>,
    /// Gradient of the output, as left by [`Tail::gradient_sums`].
    pub dy: &'a [f32],
    /// Table of [`batch::backward_table`], `[BACKWARD_TABLE, channels]`.
    pub backward: &'a [f32],
}

/// A row of pixels in a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageRow {
    pub(crate) image: usize,
    pub(crate) y: usize,
    /// Number of floats of an image.
    pub(crate) image_length: usize,
}

impl Tail {
    /// Returns true if a second input is added.
    pub fn adds(&self) -> bool {
        matches!(self.extra, Extra::Shortcut)
    }

    /// Returns the windows of the pooling, if there is one.
    pub fn windows(&self) -> Option<&PoolShape> {
        match &self.extra {
            Extra::Pooling(windows) => Some(windows),
            _ => None,
        }
    }

    /// Returns the number of bytes of the positions of maxima of `images` images.
    pub fn places_length(&self, images: usize) -> usize {
        self.windows().map_or(0, |windows| pooled::places_length(windows, images))
    }

    /// Returns the number of floats of the sums in either direction over images of `rows` positions with channels.
    pub fn records_length(&self, batch: ImageRows) -> usize {
        let channels = batch.row_length;
        let flat = batch::records(batch.images * batch.rows, channels).length();
        let recorded = Records::per_image(batch, RECORD_FLOATS * channels).length();
        let pooled = self.windows().map_or(0, |windows| pooled::gradient_records(windows, batch.images).length());
        flat.max(recorded).max(pooled)
    }

    /// Computes all images.
    pub fn forward(&self, input: TailInput<'_>, output: TailOutput<'_>) {
        let TailInput { x, shortcut, .. } = input;
        let TailOutput { y, places } = output;
        match self.windows() {
            Some(windows) => {
                pooled::forward(self.pooled(windows, input), x, PooledOutput { y, places }, |_, _| ());
            }
            None if self.adds() => batch_sum::forward(RowPair { x, other: shortcut }, self.activated(input), y),
            None => batch_activation::normalize_and_activate(x, self.activated(input), y),
        }
    }

    /// Computes all images with pooling, and returns statistics of the activation that it hides: of one of [`SAMPLED_IMAGES`]
    /// images, each measured just before it is pooled.
    ///
    /// # Panics
    /// If there is no pooling, or the number of units differs from that of channels.
    pub fn forward_measured(&self, input: TailInput<'_>, output: TailOutput<'_>, hidden: Hidden<'_>) -> Signal {
        let windows = self.windows().expect("only pooling hides an activation");
        let (image, channels) = (windows.input_length(), windows.channels);
        let sampled = (input.x.len() / image).div_ceil(SAMPLED_IMAGES);
        let sample = ImageRows { images: sampled, rows: image / channels, row_length: channels };
        let layout = Records::per_image(sample, 1);
        let Hidden { units, limits, parts } = hidden;
        units.begin(layout.total_rows() as u64);
        parts.resize(layout.count(), SignalPart::default());
        let (units, pieces) = (CountedUnits { counts: units, limits }, Pieces::new(parts));
        let output = PooledOutput { y: output.y, places: output.places };
        pooled::forward(self.pooled(windows, input), input.x, output, |index, x| {
            if !index.is_multiple_of(SAMPLED_IMAGES) {
                return;
            }
            for task in layout.of_image(index / SAMPLED_IMAGES) {
                let (_, rows) = layout.rows(task);
                // SAFETY: each image has its own parts.
                let part = unsafe { pieces.piece(task..task + 1) };
                let x = &x[rows.start * channels..rows.end * channels];
                part[0] = batch_activation::measure_rows(x, self.activated(input), units);
            }
        });
        Signal::combine(parts)
    }

    /// Computes [`Tail::forward`] for one image on this thread, without saving anything.
    pub fn forward_image(&self, input: TailInput<'_>, y: &mut [f32]) {
        let TailInput { x, shortcut, .. } = input;
        match self.windows() {
            Some(windows) => {
                pooled::forward_image(self.pooled(windows, input), x, PooledOutput { y, places: &mut [] });
            }
            None if self.adds() => batch_sum::forward_rows(RowPair { x, other: shortcut }, self.activated(input), y),
            None => batch_activation::normalize_and_activate_rows(x, self.activated(input), y),
        }
    }

    /// Computes the sums for [`batch::backward_table`] in `records`; returns their length. If the tail adds or pools, `dy` becomes
    /// the gradient before the activation.
    pub fn gradient_sums(&self, dy: &mut [f32], read: TailGradient<'_>, records: &mut [f32]) -> usize {
        let TailGradient { simd, x, y, places, table } = read;
        let (channels, function) = (table.len() / FORWARD_TABLE, self.function);
        match self.windows() {
            Some(windows) => {
                let pooled = Pooled { simd, windows, table, function };
                pooled::gradient_sums(pooled, x, dy, places, records)
            }
            None if self.adds() => {
                let summed = Summed { simd, x, y, mean: &table[..channels], function };
                batch_sum::gradient_sums(dy, summed, records)
            }
            None => {
                let activated = Activated { simd, table, function };
                batch_activation::gradient_sums(RowPair { x, other: dy }, activated, records)
            }
        }
    }

    /// Computes the gradient with respect to the norm's input, of all images.
    pub fn input_gradient(&self, given: TailInputGradient<'_>, dx: &mut [f32]) {
        let TailInputGradient { read: TailGradient { simd, x, places, table, .. }, dy, backward } = given;
        let (rows, function) = (RowPair { x, other: dy }, self.function);
        match self.windows() {
            Some(windows) => {
                InputGradient { simd, windows, backward }.images(PooledGradient { dy, places, x }, dx);
            }
            None if self.adds() => batch::apply_gradient(simd, rows, backward, dx),
            None => batch_activation::apply_gradient(rows, Activated { simd, table, function }, backward, dx),
        }
    }

    /// Computes one row of [`Tail::input_gradient`], `[width, channels]`, on this thread.
    pub(crate) fn input_gradient_row(&self, given: TailInputGradient<'_>, row: ImageRow, dx: &mut [f32]) {
        let TailInputGradient { read: TailGradient { simd, x, places, table, .. }, dy, backward } = given;
        let ImageRow { image, y, image_length } = row;
        match self.windows() {
            Some(windows) => {
                let image = PooledGradient { dy, places, x }.image(windows, image);
                InputGradient { simd, windows, backward }.row(image, y, dx);
            }
            None => {
                let first = image * image_length + y * dx.len();
                let rows = RowPair { x, other: dy }.part(first..first + dx.len());
                if self.adds() {
                    batch::apply_gradient_rows(simd, rows, backward, dx);
                } else {
                    let activated = Activated { simd, table, function: self.function };
                    batch_activation::apply_gradient_rows(rows, activated, backward, dx);
                }
            }
        }
    }

    fn activated<'a>(&self, input: TailInput<'a>) -> Activated<'a> {
        Activated { simd: input.simd, table: input.table, function: self.function }
    }

    fn pooled<'a>(&self, windows: &'a PoolShape, input: TailInput<'a>) -> Pooled<'a> {
        Pooled { simd: input.simd, windows, table: input.table, function: self.function }
    }
}
