//! What follows a batch norm in the same pass over memory: an activation, the shortcut of a residual block, pooling.
//!
//! One place that chooses between [`super::batch_activation`], [`super::batch_sum`] and [`super::pooled`], for whole
//! batches and, where a convolution comes first, for single images and rows in its cache.

use super::batch::{self, FORWARD_TABLE, RECORD_FLOATS};
use super::batch_activation::{self, Activated};
use super::batch_sum::{self, Summed};
use super::pooled::{self, Pooled};
use super::records::Records;
use crate::activation::Function;
use crate::parallel::Pieces;
use crate::pooling::PoolShape;
use crate::statistics::{Limits, SAMPLED_IMAGES, Signal, SignalPart, UnitCounts};

/// What follows the norm.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// The activation; identity for none.
    pub function: Function,
    /// Second input or pooling, if there is one.
    pub extra: Extra,
}

/// Work of a tail in addition to its activation.
#[derive(Clone, Copy, Debug)]
pub enum Extra {
    /// Nothing.
    None,
    /// A second input is added before the activation.
    Shortcut,
    /// Max pooling after the activation, [`PoolShape::is_pairs`].
    Pooling(PoolShape),
}

/// Where the statistics of an activation hidden by pooling go.
#[derive(Debug)]
pub struct Hidden<'a> {
    /// Its channels.
    pub units: &'a mut UnitCounts,
    /// Outside these it is saturated.
    pub limits: Limits,
    /// Room that the first call of a size allocates.
    pub parts: &'a mut Vec<SignalPart>,
}

/// What the backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct TailGradient<'a> {
    /// Input of the norm, `[images, positions, channels]`.
    pub x: &'a [f32],
    /// Output of the tail; read only if it [adds](Tail::adds).
    pub y: &'a [f32],
    /// What forward left in its `places`.
    pub places: &'a [f32],
    /// The table the norm applied, `[FORWARD_TABLE, channels]`.
    pub table: &'a [f32],
}

impl Tail {
    /// Returns true if a second input is added.
    pub fn adds(&self) -> bool {
        matches!(self.extra, Extra::Shortcut)
    }

    /// The windows of the pooling, if there is one.
    pub fn windows(&self) -> Option<&PoolShape> {
        match &self.extra {
            Extra::Pooling(windows) => Some(windows),
            _ => None,
        }
    }

    /// Floats that keep the places of maxima of `images` images.
    pub fn places_length(&self, images: usize) -> usize {
        self.windows().map_or(0, |windows| pooled::places_length(windows, images))
    }

    /// Floats of scratch for the sums of either direction over `images` images of `positions` rows.
    pub fn records_length(&self, (images, positions): (usize, usize), channels: usize) -> usize {
        let flat = batch::records(images * positions, channels).length();
        let recorded = Records::per_image(images, (positions, channels), RECORD_FLOATS * channels).length();
        let pooled = self.windows().map_or(0, |windows| pooled::gradient_records(windows, images).length());
        flat.max(recorded).max(pooled)
    }

    /// `y` from the norm's input `x` and the second input, all images; `places` ([`Tail::places_length`] floats) keeps
    /// what backward wants, unless it is empty.
    pub fn forward(&self, (x, shortcut): (&[f32], &[f32]), table: &[f32], y: &mut [f32], places: &mut [f32]) {
        match self.windows() {
            Some(windows) => {
                let pooled = Pooled { windows, table, function: self.function };
                pooled::forward(pooled, x, (y, places), |_, _| ());
            }
            None if self.adds() => batch_sum::forward((x, shortcut), table, self.function, y),
            None => batch_activation::normalize_and_activate(x, self.activated(table), y),
        }
    }

    /// As [`Tail::forward`] where there is pooling, with statistics of the activation it hides: of one of
    /// [`SAMPLED_IMAGES`] images, each measured just before it is pooled.
    ///
    /// # Panics
    /// If there is no pooling, or there are not as many units as channels.
    pub fn forward_measured(
        &self,
        x: &[f32],
        table: &[f32],
        (y, places): (&mut [f32], &mut [f32]),
        hidden: Hidden<'_>,
    ) -> Signal {
        let windows = self.windows().expect("pooling");
        let (image, channels) = (windows.input_length(), windows.channels);
        let sampled = (x.len() / image).div_ceil(SAMPLED_IMAGES);
        let layout = Records::per_image(sampled, (image / channels, channels), 1);
        let Hidden { units, limits, parts } = hidden;
        units.begin(layout.total_rows() as u64);
        parts.resize(layout.count(), SignalPart::default());
        let (counts, pieces) = (&*units, Pieces::new(parts));
        let pooled = Pooled { windows, table, function: self.function };
        pooled::forward(pooled, x, (y, places), |index, x| {
            if !index.is_multiple_of(SAMPLED_IMAGES) {
                return;
            }
            for task in layout.of_image(index / SAMPLED_IMAGES) {
                let (_, rows) = layout.rows(task);
                // SAFETY: each image has its own parts.
                let part = unsafe { pieces.piece(task..task + 1) };
                let x = &x[rows.start * channels..rows.end * channels];
                part[0] = batch_activation::measure_rows(x, self.activated(table), (counts, limits));
            }
        });
        Signal::combine(parts)
    }

    /// [`Tail::forward`] for one image on this thread, keeping nothing.
    pub fn forward_image(&self, (x, shortcut): (&[f32], &[f32]), table: &[f32], y: &mut [f32]) {
        match self.windows() {
            Some(windows) => pooled::forward_image(Pooled { windows, table, function: self.function }, x, y, &mut []),
            None if self.adds() => batch_sum::forward_rows((x, shortcut), table, self.function, y),
            None => batch_activation::normalize_and_activate_rows(x, self.activated(table), y),
        }
    }

    /// Sums for [`batch::backward_table`], in `records`, of which the length is returned. Where the tail adds or pools,
    /// `dy` becomes the gradient before the activation.
    pub fn gradient_sums(&self, dy: &mut [f32], read: TailGradient<'_>, records: &mut [f32]) -> usize {
        let TailGradient { x, y, places, table } = read;
        let channels = table.len() / FORWARD_TABLE;
        match self.windows() {
            Some(windows) => {
                let pooled = Pooled { windows, table, function: self.function };
                pooled::gradient_sums(pooled, (dy, places), x, records)
            }
            None if self.adds() => {
                let summed = Summed { x, y, mean: &table[..channels], function: self.function };
                batch_sum::gradient_sums(dy, summed, records)
            }
            None => batch_activation::gradient_sums(dy, x, self.activated(table), records),
        }
    }

    /// The gradient by the norm's input, all images; `dy` as [`Tail::gradient_sums`] left it, `backward` `[BACKWARD_TABLE,
    /// channels]`.
    pub fn input_gradient(&self, dy: &[f32], read: TailGradient<'_>, backward: &[f32], dx: &mut [f32]) {
        match self.windows() {
            Some(windows) => pooled::input_gradient(windows, (dy, read.places), (read.x, backward), dx),
            None if self.adds() => batch::apply_gradient(dy, read.x, backward, dx),
            None => batch_activation::apply_gradient((dy, read.x), self.activated(read.table), backward, dx),
        }
    }

    /// Row `y` of [`Tail::input_gradient`] of one image `[rows, width, channels]`, on this thread.
    pub(crate) fn input_gradient_row(
        &self,
        (image, y): (usize, usize),
        (dy, read): (&[f32], TailGradient<'_>),
        (image_length, backward): (usize, &[f32]),
        dx: &mut [f32],
    ) {
        let x = &read.x[image * image_length..(image + 1) * image_length];
        let row = y * dx.len()..(y + 1) * dx.len();
        match self.windows() {
            Some(windows) => {
                let length = windows.output_length();
                let dy = &dy[image * length..(image + 1) * length];
                let places = pooled::places_of(windows, read.places, image);
                pooled::input_gradient_row((windows, y), (dy, places), (x, backward), dx);
            }
            None => {
                let (dy, x) = (&dy[image * image_length..][row.clone()], &x[row]);
                if self.adds() {
                    batch::apply_gradient_rows(dy, x, backward, dx);
                } else {
                    batch_activation::apply_gradient_rows((dy, x), self.activated(read.table), backward, dx);
                }
            }
        }
    }

    fn activated<'a>(&self, table: &'a [f32]) -> Activated<'a> {
        Activated { table, function: self.function }
    }
}
