//! Distributions of the values of a tensor over the steps.

use keel_train::runs::HistogramRecord;
use serde::Serialize;

/// Maximum number of rows.
const ROWS: std::ops::RangeInclusive<usize> = 2..=400;

/// Histograms of one tensor, one ridge per step.
#[derive(Debug, Serialize)]
pub(crate) struct Distribution {
    /// Lowest and highest value over all steps shown.
    range: [f64; 2],
    ridges: Vec<Ridge>,
    /// Number of histograms before the selection.
    taken: usize,
}

#[derive(Debug, Serialize)]
struct Ridge {
    step: u64,
    low: f64,
    high: f64,
    counts: Vec<u64>,
}

impl Distribution {
    /// Selects at most `rows` of `records` (ascending in steps), evenly spaced, including the first and the last.
    pub(crate) fn of(records: Vec<HistogramRecord>, rows: usize) -> Self {
        let taken = records.len();
        let rows = rows.clamp(*ROWS.start(), *ROWS.end()).min(taken);
        let is_chosen = |index: usize| rows == taken || (index * (rows - 1)) % (taken - 1) < rows - 1;
        let chosen = records.into_iter().enumerate().filter(|(index, _)| is_chosen(*index));
        let ridges: Vec<Ridge> = chosen
            .map(|(_, HistogramRecord { step, low, high, counts, .. })| Ridge { step, low, high, counts })
            .collect();
        let low = ridges.iter().map(|ridge| ridge.low).fold(f64::INFINITY, f64::min);
        let high = ridges.iter().map(|ridge| ridge.high).fold(f64::NEG_INFINITY, f64::max);
        Distribution { range: [low, high], ridges, taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_spread_and_the_first_and_the_last_are_kept() {
        let record = |step| HistogramRecord {
            step,
            layer: "fc".to_owned(),
            name: "output".to_owned(),
            low: -(step as f64),
            high: 1.0,
            counts: vec![1],
        };
        for (taken, rows, expected) in
            [(100, 10, 10), (101, 10, 10), (7, 40, 7), (1, 40, 1), (0, 5, 0), (500, 2, 2), (3, 2, 2)]
        {
            let distribution = Distribution::of((1..=taken).map(record).collect(), rows);
            let steps: Vec<u64> = distribution.ridges.iter().map(|ridge| ridge.step).collect();
            assert_eq!(steps.len(), expected, "{taken} {rows}: {steps:?}");
            assert_eq!(
                (steps.first().copied(), steps.last().copied()),
                ((taken > 0).then_some(1), (taken > 0).then_some(taken))
            );
        }
    }
}
