//! Values passed to the loss.

use serde::{Deserialize, Serialize};

use super::null_is_nan;

/// Inputs of the loss for one batch: the values after everything the network and the loop apply. A row contains the
/// values of one prediction, one per class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionMeasurement {
    /// Smallest value.
    #[serde(deserialize_with = "null_is_nan")]
    pub lowest: f32,
    /// Largest value.
    #[serde(deserialize_with = "null_is_nan")]
    pub highest: f32,
    /// Smallest sum of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_row_sum: Option<f32>,
    /// Largest sum of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_row_sum: Option<f32>,
}

impl PredictionMeasurement {
    /// Returns the combined extremes.
    pub fn joined(self, other: Self) -> Self {
        let both = |first: Option<f32>, second: Option<f32>, choose: fn(f32, f32) -> f32| {
            first.zip(second).map(|(first, second)| choose(first, second))
        };
        Self {
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
            lowest_row_sum: both(self.lowest_row_sum, other.lowest_row_sum, f32::min),
            highest_row_sum: both(self.highest_row_sum, other.highest_row_sum, f32::max),
        }
    }

    /// Returns true if every row is a list of probabilities whose sum is 1, up to `tolerance`.
    pub fn rows_are_probabilities(&self, tolerance: f32) -> bool {
        let is_one = |sum: Option<f32>| sum.is_some_and(|sum| (sum - 1.0).abs() <= tolerance);
        self.lies_within(0.0, 1.0) && is_one(self.lowest_row_sum) && is_one(self.highest_row_sum)
    }

    /// Returns true if no value is below `low` or above `high`.
    pub fn lies_within(&self, low: f32, high: f32) -> bool {
        self.lowest >= low && self.highest <= high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOFTMAX: PredictionMeasurement =
        PredictionMeasurement { lowest: 0.01, highest: 0.9, lowest_row_sum: Some(0.9999), highest_row_sum: Some(1.0) };

    #[test]
    fn rows_of_probabilities_have_the_sum_one() {
        assert!(SOFTMAX.rows_are_probabilities(1e-3));
        let cases = [
            PredictionMeasurement { lowest: -0.01, ..SOFTMAX },
            PredictionMeasurement { highest: 1.01, ..SOFTMAX },
            PredictionMeasurement { lowest: f32::NAN, ..SOFTMAX },
            PredictionMeasurement { lowest_row_sum: Some(0.99), ..SOFTMAX },
            PredictionMeasurement { highest_row_sum: Some(1.01), ..SOFTMAX },
            PredictionMeasurement { highest_row_sum: None, ..SOFTMAX },
        ];
        for case in cases {
            assert!(!case.rows_are_probabilities(1e-3), "{case:?}");
        }
    }

    #[test]
    fn a_batch_without_row_sums_leaves_none_for_both() {
        let plain = PredictionMeasurement { lowest: -2.0, highest: 0.5, ..PredictionMeasurement::default() };
        let joined = SOFTMAX.joined(plain);
        assert_eq!(joined, PredictionMeasurement { lowest: -2.0, highest: 0.9, ..PredictionMeasurement::default() });
        let lower = PredictionMeasurement { lowest_row_sum: Some(0.5), ..SOFTMAX };
        assert_eq!(SOFTMAX.joined(lower).lowest_row_sum, Some(0.5));
    }
}
