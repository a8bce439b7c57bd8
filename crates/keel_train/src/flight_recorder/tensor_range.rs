//! The contents of a tensor in five numbers.

use serde::{Deserialize, Serialize};

/// Range of a tensor's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TensorRange {
    /// Number of values.
    pub count: u64,
    /// Minimum of the finite values; 0 if there are none.
    pub min: f32,
    /// Maximum of the finite values; 0 if there are none.
    pub max: f32,
    /// Mean of the finite values; 0 if there are none.
    pub mean: f64,
    /// Number of values that are NaN.
    pub nan: u64,
    /// Number of values that are infinite.
    pub infinite: u64,
}

/// One operand of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operand {
    /// Name: `input of the network`, `output of linear_1`, `linear_2.weight`.
    pub name: String,
    /// Range of its values.
    #[serde(flatten)]
    pub range: TensorRange,
}

impl TensorRange {
    /// Returns the range of `values`.
    pub fn of(values: &[f32]) -> Self {
        let mut range = TensorRange { count: values.len() as u64, ..TensorRange::default() };
        let (mut sum, mut finite) = (0.0, 0u64);
        for &value in values {
            if value.is_nan() {
                range.nan += 1;
            } else if value.is_infinite() {
                range.infinite += 1;
            } else {
                (range.min, range.max) =
                    if finite == 0 { (value, value) } else { (range.min.min(value), range.max.max(value)) };
                sum += f64::from(value);
                finite += 1;
            }
        }
        range.mean = if finite > 0 { sum / finite as f64 } else { 0.0 };
        range
    }

    /// Returns true if every value is finite.
    pub fn is_finite(&self) -> bool {
        self.nan == 0 && self.infinite == 0
    }

    /// Describes the range in words.
    pub fn describe(&self) -> String {
        let finite = self.count - self.nan - self.infinite;
        let mut text = if finite == 0 {
            "no finite value".to_owned()
        } else {
            format!("{:.3e} to {:.3e}, mean {:.3e}", self.min, self.max, self.mean)
        };
        if !self.is_finite() {
            text.push_str(&format!(", {} NaN and {} infinite of {}", self.nan, self.infinite, self.count));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finite_values_and_the_others_are_counted_apart() {
        let range = TensorRange::of(&[-1.0, f32::NAN, 3.0, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(range, TensorRange { count: 5, min: -1.0, max: 3.0, mean: 1.0, nan: 1, infinite: 2 });
        assert_eq!(range.describe(), "-1.000e0 to 3.000e0, mean 1.000e0, 1 NaN and 2 infinite of 5");
        assert!(TensorRange::of(&[]).is_finite());
        assert_eq!(TensorRange::of(&[f32::NAN]).describe(), "no finite value, 1 NaN and 0 infinite of 1");
    }
}
