//! Mean, variance and range of a stream of numbers, in f64 and mergeable.

use serde::{Deserialize, Serialize};

/// Count, mean, sum of squared deviations and range (Welford 1962; merged as Chan, Golub, LeVeque 1979).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Number of values.
    pub count: u64,
    /// Mean of the values.
    pub mean: f64,
    /// Sum of the squared deviations from the mean.
    pub squared_deviations: f64,
    /// Smallest number; positive infinity if there is none.
    pub min: f64,
    /// Largest number; negative infinity if there is none.
    pub max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, squared_deviations: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Moments {
    /// Adds one number.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let deviation = value - self.mean;
        self.mean += deviation / self.count as f64;
        self.squared_deviations += deviation * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds all numbers of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (own, others) = (self.count as f64, other.count as f64);
        let deviation = other.mean - self.mean;
        let total = own + others;
        self.mean += deviation * others / total;
        self.squared_deviations += other.squared_deviations + deviation * deviation * own * others / total;
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Returns the population variance: squared deviations divided by the count.
    pub fn variance(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.squared_deviations / self.count as f64 }
    }

    /// Returns the population standard deviation.
    pub fn std(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Returns true if the numbers differ by no more than the resolution of f32.
    pub fn is_constant(&self) -> bool {
        self.std() <= 1e-7 * self.mean.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_equals_adding_even_far_from_zero() {
        let values: Vec<f64> = (0..101).map(|index| 1e6 + f64::from(index) * 0.25).collect();
        let mut whole = Moments::default();
        values.iter().for_each(|&value| whole.add(value));
        let mut merged = Moments::default();
        for chunk in values.chunks(7) {
            let mut part = Moments::default();
            chunk.iter().for_each(|&value| part.add(value));
            merged.merge(&part);
        }
        merged.merge(&Moments::default());
        assert_eq!((whole.count, whole.min, whole.max), (merged.count, merged.min, merged.max));
        assert!((merged.mean - (1e6 + 12.5)).abs() < 1e-9);
        let variance = 0.0625 * (101.0 * 101.0 - 1.0) / 12.0;
        assert!((merged.variance() - variance).abs() < 1e-8 && (whole.variance() - variance).abs() < 1e-8);
    }

    #[test]
    fn constants_are_recognised() {
        for (values, constant) in
            [(&[3.0, 3.0][..], true), (&[0.0][..], true), (&[1.0, 1.1], false), (&[0.0, 1e-9], false)]
        {
            let mut moments = Moments::default();
            values.iter().for_each(|&value| moments.add(value));
            assert_eq!(moments.is_constant(), constant, "{values:?}");
        }
    }
}
