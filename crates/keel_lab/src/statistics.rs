//! Mean, standard deviation and histogram of many values, in double precision.

use serde::Serialize;

use crate::interval::Interval;

/// First two moments of a set of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Moments {
    /// Mean.
    pub(crate) mean: f64,
    /// Standard deviation of the set itself (divided by n).
    pub(crate) std: f64,
    /// Mean square.
    #[serde(skip)]
    pub(crate) second_moment: f64,
}

impl Moments {
    /// Of `values`; zero for none.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut count, mut sum, mut squares) = (0_usize, 0.0, 0.0);
        for value in values {
            count += 1;
            sum += value;
            squares += value * value;
        }
        let count = count.max(1) as f64;
        let (mean, second_moment) = (sum / count, squares / count);
        Moments { mean, std: (second_moment - mean * mean).max(0.0).sqrt(), second_moment }
    }

    /// Of a slice.
    pub(crate) fn of_slice(values: &[f32]) -> Self {
        Self::of(values.iter().map(|&value| f64::from(value)))
    }
}

/// Share of `values` for which `condition` holds.
pub(crate) fn fraction(values: &[f32], condition: impl Fn(f32) -> bool) -> f64 {
    values.iter().filter(|&&value| condition(value)).count() as f64 / values.len().max(1) as f64
}

/// Counts of values in bins of equal width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Histogram {
    /// Borders of the bins, one more than there are bins.
    pub(crate) edges: Vec<f64>,
    /// Values in each bin; a border belongs to the bin above it, the last border to the last bin.
    pub(crate) counts: Vec<usize>,
}

impl Histogram {
    /// Of `values` in `range`; values outside go into the first or last bin, so that none is lost.
    pub(crate) fn of(values: &[f32], range: Interval, bins: usize) -> Self {
        let Interval { low, high } = range;
        let width = (high - low) / bins as f64;
        let mut counts = vec![0; bins];
        for &value in values {
            let bin = ((f64::from(value) - low) / width).floor();
            counts[(bin.max(0.0) as usize).min(bins - 1)] += 1;
        }
        let edges = (0..=bins).map(|edge| low + edge as f64 * width).collect();
        Histogram { edges, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_bins_of_small_sets() {
        let moments = Moments::of_slice(&[1.0, 2.0, 3.0, 6.0]);
        assert_eq!((moments.mean, moments.second_moment), (3.0, 12.5));
        assert!((moments.std - 3.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Moments::of_slice(&[]), Moments::default());
        let histogram = Histogram::of(&[-9.0, 0.0, 0.5, 1.0, 2.0], Interval { low: 0.0, high: 2.0 }, 4);
        assert_eq!(histogram.counts, [2, 1, 1, 1]);
        assert_eq!(histogram.edges, [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(fraction(&[0.0, 1.0, 0.0, 2.0], |value| value == 0.0), 0.5);
    }
}
