//! Counts of values in bins.

use serde::Serialize;

use crate::interval::Interval;

/// Counts of values in bins of equal width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// Number of values in each bin; an edge belongs to the bin above it, the last edge to the last bin.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Counts `values` in `range`; values outside are counted in the first or last bin.
    pub fn of(values: &[f32], range: Interval, bins: usize) -> Self {
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
    fn values_outside_the_range_are_counted_in_the_end_bins() {
        let histogram = Histogram::of(&[-9.0, 0.0, 0.5, 1.0, 2.0], Interval { low: 0.0, high: 2.0 }, 4);
        assert_eq!(histogram.counts, [2, 1, 1, 1]);
        assert_eq!(histogram.edges, [0.0, 0.5, 1.0, 1.5, 2.0]);
    }
}
