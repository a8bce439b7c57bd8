//! Sums of batch norm over a batch that is divided among replicas.
//!
//! Each replica sends count, mean and sum of squared deviations of its rows in one message; all of them combine the same numbers in
//! the same order (Chan, Golub & LeVeque 1983), so that they normalise identically, bit for bit. Backward does the same with the
//! two sums of the gradient.

use keel_kernels::normalization::batch::{self, BackwardSums};
use keel_kernels::normalization::moments::{Moments, combine};
use keel_kernels::normalization::records::Recorded;

use crate::Division;

/// Writes the statistics `[STATISTICS, channels]` of the whole batch, of which `recorded` is a part; returns its number of rows.
pub(super) fn statistics(
    recorded: Recorded<'_>,
    epsilon: f32,
    division: Division<'_>,
    statistics: &mut [f32],
) -> usize {
    let channels = statistics.len() / batch::STATISTICS;
    let rows = division.counted(recorded.layout.total_rows()) as f64;
    let mut own = vec![rows; 1 + 2 * channels];
    let (means, squares) = own[1..].split_at_mut(channels);
    for (channel, (mean, squares)) in means.iter_mut().zip(squares).enumerate() {
        let moments = batch::channel_moments(recorded, channel);
        (*mean, *squares) = (moments.mean, moments.variance * rows);
    }
    let parts = division.shares.gather(&own);
    for channel in 0..channels {
        let moments = combine(parts.iter().map(|part| {
            let (rows, mean, squares) = (part[0], part[1 + channel], part[1 + channels + channel]);
            (rows as usize, Moments { mean, variance: squares / rows })
        }));
        batch::store_statistics(moments, epsilon, channel, statistics);
    }
    rows_of(&parts)
}

/// Returns the sums `[2, channels]` of the gradient over the whole batch, of which `sums` has the records of a part, and the number
/// of rows of the whole batch.
pub(super) fn gradient_sums(sums: BackwardSums<'_>, division: Division<'_>, channels: usize) -> (Vec<f64>, usize) {
    let mut own = vec![division.counted(sums.rows) as f64; 1 + 2 * channels];
    batch::sum_records(sums.records, &mut own[1..]);
    let parts = division.shares.gather(&own);
    let mut whole = vec![0.0; 2 * channels];
    for part in parts.iter().filter(|part| part[0] > 0.0) {
        whole.iter_mut().zip(&part[1..]).for_each(|(sum, own)| *sum += own);
    }
    (whole, rows_of(&parts))
}

fn rows_of(parts: &[Vec<f64>]) -> usize {
    parts.iter().map(|part| part[0] as usize).sum()
}
