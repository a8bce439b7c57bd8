//! Batch norm over `[rows, channels]`, where rows are all positions of all samples (Ioffe & Szegedy 2015).
//!
//! Forward: [`statistics`], [`forward_table`], [`normalize`]. Backward: [`gradient_sums`], [`backward_table`], [`apply_gradient`].
//! Each works on fixed chunks of rows. If the input comes from a convolution, its statistics are computed image by image
//! ([`record_image`], [`finish_statistics`]) and its gradient row by row ([`apply_gradient_rows`]), while both are in the cache.
//! Evaluation has separate tables ([`super::evaluation`]).

pub(super) use super::moments::RECORD as RECORD_FLOATS;
use super::moments::{self, Moments};
use super::records::{ImageRows, Recorded, Records};
use super::{Affine, AffineGradient};
use crate::columns::{PairSums, RowPair, map_columns, paired_sums};
use crate::parallel::{Pieces, for_each_task};
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

/// Number of floats per channel of [`statistics`]: mean, low part of the mean, 1 / sqrt(variance + epsilon), biased variance.
pub const STATISTICS: usize = 4;
/// Number of floats per channel of a forward table: center, factor, offset.
pub const FORWARD_TABLE: usize = 3;
/// Number of floats per channel of a backward table: center, factors of gradient and deviation, constant.
pub const BACKWARD_TABLE: usize = 4;

/// Returns the number of channels of a table `[parts, channels]`.
///
/// # Panics
/// If there are none, or the table has a different length.
#[inline(always)]
fn channels_of(table: &[f32], parts: usize) -> usize {
    assert!(
        !table.is_empty() && table.len().is_multiple_of(parts),
        "a table of {} floats in {parts} parts",
        table.len()
    );
    table.len() / parts
}

/// Returns the number of rows per task.
pub(super) fn rows_per_chunk(channels: usize) -> usize {
    Records::of_rows(usize::MAX, channels, 0).rows(0).1.end
}

/// Returns the layout of the records of [`statistics`] and [`gradient_sums`] for `rows` rows.
pub fn records(rows: usize, channels: usize) -> Records {
    Records::of_rows(rows, channels, RECORD_FLOATS * channels)
}

/// Returns the layout of the records of [`record_image`] for `images` images of `positions` rows.
pub fn image_records(images: usize, positions: usize, channels: usize) -> Records {
    Records::per_image(ImageRows { images, rows: positions, row_length: channels }, RECORD_FLOATS * channels)
}

/// Computes the statistics `[STATISTICS, channels]` of `x` `[rows, channels]`; `scratch` has space for the [`records`].
///
/// # Panics
/// If lengths do not fit, or there are no rows or no channels.
pub fn statistics(simd: SimdLevel, x: &[f32], epsilon: f32, statistics: &mut [f32], scratch: Scratch<'_>) {
    let channels = channels_of(statistics, STATISTICS);
    finish_statistics(record_rows(simd, x, channels, scratch), epsilon, statistics);
}

/// Computes the [`records`] of `x` `[rows, channels]` in `scratch`.
///
/// # Panics
/// If lengths do not fit, or there are no rows or no channels.
pub fn record_rows<'a>(simd: SimdLevel, x: &[f32], channels: usize, scratch: Scratch<'a>) -> Recorded<'a> {
    assert!(!x.is_empty() && x.len().is_multiple_of(channels), "{} floats in rows of {channels}", x.len());
    let layout = records(x.len() / channels, channels);
    let (values, _) = scratch.take(layout.length());
    let pieces = Pieces::new(&mut *values);
    for_each_task(layout.count(), 2 * x.len(), |task| {
        // SAFETY: each task writes its own record.
        let record = unsafe { pieces.piece(layout.floats(task)) };
        let (_, rows) = layout.rows(task);
        let x = &x[rows.start * channels..rows.end * channels];
        simd.run(
            #[inline(always)]
            || moments::record_chunk(x, channels, record),
        );
    });
    Recorded { layout, values }
}

/// Computes the records of one image `x` `[positions, channels]`, on this thread, in `scratch`, which has space for those of one
/// image of `layout`.
pub fn record_image(simd: SimdLevel, x: &[f32], layout: Records, channels: usize, scratch: &mut [f32]) {
    for task in layout.of_image(0) {
        let (_, rows) = layout.rows(task);
        let (x, record) = (&x[rows.start * channels..rows.end * channels], &mut scratch[layout.floats(task)]);
        simd.run(
            #[inline(always)]
            || moments::record_chunk(x, channels, record),
        );
    }
}

/// Computes the statistics `[STATISTICS, channels]` of all rows from the records of their chunks.
pub fn finish_statistics(records: Recorded<'_>, epsilon: f32, statistics: &mut [f32]) {
    for channel in 0..channels_of(statistics, STATISTICS) {
        store_statistics(channel_moments(records, channel), epsilon, channel, statistics);
    }
}

/// Returns the moments of one channel over all rows, from the records of their chunks.
pub fn channel_moments(records: Recorded<'_>, channel: usize) -> Moments {
    let Recorded { layout, values } = records;
    moments::combine((0..layout.count()).map(|index| {
        let count = layout.rows(index).1.len();
        (count, moments::chunk_moments(&values[layout.floats(index)], channel, count))
    }))
}

/// Writes the moments of one channel to `statistics` `[STATISTICS, channels]`.
pub fn store_statistics(moments: Moments, epsilon: f32, channel: usize, statistics: &mut [f32]) {
    let channels = statistics.len() / STATISTICS;
    let (mean, low) = moments.split_mean();
    statistics[channel] = mean;
    statistics[channels + channel] = low;
    statistics[2 * channels + channel] = moments.inverse_std(epsilon);
    statistics[3 * channels + channel] = moments.variance as f32;
}

/// Computes the table that normalises with batch statistics, scales and shifts.
pub fn forward_table(statistics: &[f32], affine: Affine<'_>, table: &mut [f32]) {
    let Affine { scale, shift } = affine;
    let channels = statistics.len() / STATISTICS;
    for c in 0..channels {
        let factor = statistics[2 * channels + c] * scale.get(c).copied().unwrap_or(1.0);
        table[c] = statistics[c];
        table[channels + c] = factor;
        table[2 * channels + c] = shift.get(c).copied().unwrap_or(0.0) - statistics[channels + c] * factor;
    }
}

/// Rows with the table that is applied to them.
#[derive(Clone, Copy, Debug)]
pub struct TableInput<'a> {
    /// Rows, `[rows, channels]`.
    pub x: &'a [f32],
    /// Table, `[parts, channels]`.
    pub table: &'a [f32],
}

/// Computes `y = (x - center) * factor + offset`, `y` `[rows, channels]`, with a table `[FORWARD_TABLE, channels]`.
///
/// # Panics
/// If lengths do not fit.
pub fn normalize(simd: SimdLevel, input: TableInput<'_>, y: &mut [f32]) {
    let TableInput { x, table } = input;
    assert_eq!(x.len(), y.len(), "input and output");
    let channels = channels_of(table, FORWARD_TABLE);
    for_each_row_chunk(
        simd,
        channels,
        y,
        #[inline(always)]
        |range, y| normalize_chunk(TableInput { x: &x[range], table }, y),
    );
}

/// Computes [`normalize`] for some rows, inside [`crate::SimdLevel::run`].
#[inline(always)]
pub fn normalize_chunk(input: TableInput<'_>, y: &mut [f32]) {
    let TableInput { x, table } = input;
    let channels = table.len() / FORWARD_TABLE;
    let (center, rest) = table.split_at(channels);
    let (factor, offset) = rest.split_at(channels);
    let map = |_, x: f32, [center, factor, offset]: [f32; 3]| (x - center) * factor + offset;
    map_columns(RowPair::alone(x), [center, factor, offset], map, y);
}

/// Sums the gradient `dy`, the second input of `rows`, and `dy * (x - mean)` over all rows, chunk by chunk, to `records`
/// `[chunks, 2, channels]`; returns their length.
///
/// # Panics
/// If lengths do not fit, or there are no channels.
pub fn gradient_sums(simd: SimdLevel, rows: RowPair<'_>, mean: &[f32], records: &mut [f32]) -> usize {
    assert_eq!(rows.other.len(), rows.x.len(), "gradient and input");
    let (channels, length) = (mean.len(), rows.x.len());
    assert!(channels > 0 && length.is_multiple_of(channels), "{length} floats in rows of {channels}");
    let layout = Records::of_rows(length / channels, channels, 2 * channels);
    let pieces = Pieces::new(records);
    for_each_task(layout.count(), 2 * length, |task| {
        // SAFETY: each task writes its own record.
        let record = unsafe { pieces.piece(layout.floats(task)) };
        let (_, band) = layout.rows(task);
        let rows = rows.part(band.start * channels..band.end * channels);
        simd.run(
            #[inline(always)]
            || sum_gradient_chunk(rows, mean, record),
        );
    });
    layout.length()
}

/// Computes [`gradient_sums`] for some rows, inside [`crate::SimdLevel::run`]; `record` is `[2, channels]`.
#[inline(always)]
pub fn sum_gradient_chunk(rows: RowPair<'_>, mean: &[f32], record: &mut [f32]) {
    paired_sums(rows, [mean], |dy, x, [mean]| [dy, dy * (x - mean)], PairSums::of_record(record));
}

/// Operands of [`backward_table`].
#[derive(Clone, Copy, Debug)]
pub struct BackwardSums<'a> {
    /// Records `[chunks, 2, channels]` of [`gradient_sums`].
    pub records: &'a [f32],
    /// Number of rows of the whole batch.
    pub rows: usize,
    /// Sums over the whole batch, `[2, channels]`, of [`sum_records`], if the records cover a part of it; empty if they cover all
    /// of it.
    pub whole: &'a [f64],
    /// Statistics of the forward pass, `[STATISTICS, channels]`.
    pub statistics: &'a [f32],
    /// Scale, `[channels]`, or empty for none.
    pub scale: &'a [f32],
}

/// Sums the records `[chunks, 2, channels]` of [`gradient_sums`] to `[2, channels]`, in order.
pub fn sum_records(records: &[f32], sums: &mut [f64]) {
    sums.fill(0.0);
    for record in records.chunks_exact(sums.len()) {
        sums.iter_mut().zip(record).for_each(|(sum, value)| *sum += f64::from(*value));
    }
}

/// Sums the records in order; writes the gradients of scale and shift (`[channels]` each, or empty) and the table
/// `[BACKWARD_TABLE, channels]` for [`apply_gradient`]. With x^ = (x - mean) / std and n rows, the input gradient is
/// `scale / std * (dy - sum(dy) / n - x^ * sum(dy * x^) / n)`. The gradients of scale and shift are those of the rows in the
/// records; the sums of the table are those of the whole batch.
pub fn backward_table(sums: BackwardSums<'_>, gradient: AffineGradient<'_>, table: &mut [f32]) {
    let channels = channels_of(sums.statistics, STATISTICS);
    let AffineGradient { scale: grad_scale, shift: grad_shift } = gradient;
    let rows = sums.rows as f64;
    for c in 0..channels {
        let statistic = |index: usize| f64::from(sums.statistics[index * channels + c]);
        let (low, inverse_std) = (statistic(1), statistic(2));
        let (mut gradient, mut deviation) = (0.0f64, 0.0f64);
        for record in sums.records.chunks_exact(2 * channels) {
            gradient += f64::from(record[c]);
            deviation += f64::from(record[channels + c]);
        }
        let mut normalized = inverse_std * (deviation - low * gradient);
        if let (Some(scale), Some(shift)) = (grad_scale.get_mut(c), grad_shift.get_mut(c)) {
            (*scale, *shift) = (normalized as f32, gradient as f32);
        }
        if let (Some(&whole_gradient), Some(&whole_deviation)) = (sums.whole.get(c), sums.whole.get(channels + c)) {
            gradient = whole_gradient;
            normalized = inverse_std * (whole_deviation - low * whole_gradient);
        }
        let factor = inverse_std * f64::from(sums.scale.get(c).copied().unwrap_or(1.0));
        let slope = -factor * inverse_std * normalized / rows;
        table[c] = sums.statistics[c];
        table[channels + c] = factor as f32;
        table[2 * channels + c] = slope as f32;
        table[3 * channels + c] = (-factor * gradient / rows - slope * low) as f32;
    }
}

/// Computes `dx = dy * table[1] + (x - table[0]) * table[2] + table[3]`, all but the table `[rows, channels]`; `dy` is the second
/// input of `rows`.
pub fn apply_gradient(simd: SimdLevel, rows: RowPair<'_>, table: &[f32], dx: &mut [f32]) {
    assert_eq!((rows.other.len(), rows.x.len()), (dx.len(), dx.len()), "gradients and input");
    let channels = channels_of(table, BACKWARD_TABLE);
    for_each_row_chunk(
        simd,
        channels,
        dx,
        #[inline(always)]
        |range, dx| apply_gradient_chunk(rows.part(range), table, dx),
    );
}

/// Computes [`apply_gradient`] for some rows, inside [`crate::SimdLevel::run`].
#[inline(always)]
pub(super) fn apply_gradient_chunk(rows: RowPair<'_>, table: &[f32], dx: &mut [f32]) {
    let channels = table.len() / BACKWARD_TABLE;
    let part = |index: usize| &table[index * channels..(index + 1) * channels];
    let map =
        |dy: f32, x: f32, [center, factor, slope, constant]: [f32; 4]| dy * factor + ((x - center) * slope + constant);
    map_columns(rows, [part(0), part(1), part(2), part(3)], map, dx);
}

/// Computes [`apply_gradient`] for some rows on this thread.
pub fn apply_gradient_rows(simd: SimdLevel, rows: RowPair<'_>, table: &[f32], dx: &mut [f32]) {
    simd.run(
        #[inline(always)]
        || apply_gradient_chunk(rows, table, dx),
    );
}

/// Computes [`apply_gradient`] where `dy` is 0, inside [`crate::SimdLevel::run`].
#[inline(always)]
pub(super) fn apply_constant_gradient(input: TableInput<'_>, dx: &mut [f32]) {
    let TableInput { x, table } = input;
    let channels = table.len() / BACKWARD_TABLE;
    let part = |index: usize| &table[index * channels..(index + 1) * channels];
    let map = |_, x: f32, [center, slope, constant]: [f32; 3]| (x - center) * slope + constant;
    map_columns(RowPair::alone(x), [part(0), part(2), part(3)], map, dx);
}

/// Calls `operation(range, y[range])` for chunks of whole rows, compiled for the SIMD level if it is inlined.
#[inline(always)]
pub(super) fn for_each_row_chunk(
    simd: SimdLevel,
    channels: usize,
    y: &mut [f32],
    operation: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) {
    let (length, chunk) = (y.len(), rows_per_chunk(channels) * channels);
    let pieces = Pieces::new(y);
    for_each_task(length.div_ceil(chunk), length, |task| {
        let range = task * chunk..((task + 1) * chunk).min(length);
        // SAFETY: chunks do not overlap.
        let y = unsafe { pieces.piece(range.clone()) };
        simd.run(
            #[inline(always)]
            || operation(range, y),
        );
    });
}
