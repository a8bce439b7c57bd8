//! Mean and variance of each channel, accurate for data far from zero.
//!
//! Each chunk of rows is read twice while it is in the cache: first for its mean, then for deviations from it; the
//! chunks are combined in double precision, in order (Chan, Golub & LeVeque 1983).

use crate::columns::{PairSums, RowPair, paired_sums};

/// Number of floats per channel of the record of one chunk: mean, low part of the mean, sum of squared deviations.
pub const RECORD: usize = 3;

/// Mean and variance of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Average squared deviation from the mean (biased: divided by the count).
    pub variance: f64,
}

impl Moments {
    /// Returns the mean as two floats: the nearest one and the remainder.
    pub fn split_mean(self) -> (f32, f32) {
        let mean = self.mean as f32;
        (mean, (self.mean - f64::from(mean)) as f32)
    }

    /// Returns `1 / sqrt(variance + epsilon)`.
    pub fn inverse_std(self, epsilon: f32) -> f32 {
        (1.0 / (self.variance + f64::from(epsilon)).sqrt()) as f32
    }
}

/// Computes the record `[RECORD, channels]` of one chunk of rows `x` `[rows, channels]`, at least one row. For use inside
/// [`crate::SimdLevel::run`].
#[inline(always)]
pub fn record_chunk(x: &[f32], channels: usize, record: &mut [f32]) {
    assert!(
        channels > 0 && record.len() == RECORD * channels && x.len() >= channels,
        "a record of {channels} channels"
    );
    let (mean, rest) = record.split_at_mut(channels);
    let (low, squares) = rest.split_at_mut(channels);
    let count = (x.len() / channels) as f32;
    let first_row = &x[..channels];
    let sums = PairSums { first: &mut *mean, second: &mut *squares };
    paired_sums(RowPair::alone(x), [first_row], |_, x, [start]| [x - start, 0.0], sums);
    for (mean, start) in mean.iter_mut().zip(first_row) {
        *mean = start + *mean / count;
    }
    let terms = |_, x: f32, [mean]: [f32; 1]| [x - mean, (x - mean) * (x - mean)];
    paired_sums(RowPair::alone(x), [mean], terms, PairSums { first: &mut *low, second: &mut *squares });
    for (low, squares) in low.iter_mut().zip(squares) {
        *squares -= *low * *low / count;
        *low /= count;
    }
}

/// Returns the moments of one channel of a chunk from its record, of `rows` rows.
pub fn chunk_moments(record: &[f32], channel: usize, rows: usize) -> Moments {
    let channels = record.len() / RECORD;
    let mean = f64::from(record[channel]) + f64::from(record[channels + channel]);
    let squares = f64::from(record[2 * channels + channel]);
    Moments { mean, variance: not_negative(squares) / rows as f64 }
}

/// Combines moments of disjoint sets, given with their counts, in order; NaN if all of them are empty.
pub fn combine(parts: impl Iterator<Item = (usize, Moments)>) -> Moments {
    let (mut count, mut mean, mut squares) = (0.0f64, 0.0f64, 0.0f64);
    for (part_count, part) in parts {
        if part_count == 0 {
            continue;
        }
        let part_count = part_count as f64;
        let total = count + part_count;
        let difference = part.mean - mean;
        mean += difference * part_count / total;
        squares += part.variance * part_count + difference * difference * count * part_count / total;
        count = total;
    }
    Moments { mean, variance: not_negative(squares / count) }
}

/// Removes the sign that rounding may leave on a sum of squares; NaN stays.
fn not_negative(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}
