//! Mean and standard deviation of many values, in double precision.

use serde::Serialize;

/// First two moments of a set of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Moments {
    /// Mean.
    pub(crate) mean: f64,
    /// Population standard deviation (divided by n).
    pub(crate) std: f64,
    /// Mean square.
    #[serde(skip)]
    pub(crate) second_moment: f64,
}

impl Moments {
    /// Computes the moments of `values`; zero if there are none.
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

    /// Computes the moments of a slice.
    pub(crate) fn of_slice(values: &[f32]) -> Self {
        Self::of(values.iter().map(|&value| f64::from(value)))
    }
}

/// Returns the share of `values` for which `condition` holds.
pub(crate) fn fraction(values: &[f32], condition: impl Fn(f32) -> bool) -> f64 {
    values.iter().filter(|&&value| condition(value)).count() as f64 / values.len().max(1) as f64
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
        assert_eq!(fraction(&[0.0, 1.0, 0.0, 2.0], |value| value == 0.0), 0.5);
    }
}
