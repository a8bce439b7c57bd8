//! Median and maximum of a ratio over a window.

use serde::{Deserialize, Serialize};

/// Number of ratios kept; longer windows keep the latest ones.
const KEPT: usize = 128;

/// Ratios of the steps of a window; only their median once the window is closed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ratios {
    values: Vec<f32>,
    next: usize,
    median: Option<f64>,
    largest: Option<f32>,
}

impl Ratios {
    /// Adds a ratio. The buffer is allocated on first use.
    pub(super) fn push(&mut self, ratio: f32) {
        self.largest = Some(self.largest.map_or(ratio, |largest| largest.max(ratio)));
        if self.values.len() < KEPT {
            if self.values.is_empty() {
                self.values.reserve_exact(KEPT);
            }
            self.values.push(ratio);
        } else {
            self.values[self.next] = ratio;
            self.next = (self.next + 1) % KEPT;
        }
    }

    /// Returns the median of the closed window, or of the ratios so far.
    pub(super) fn median(&self) -> Option<f64> {
        self.median.or_else(|| median_of(&mut self.values.clone()))
    }

    /// Returns the largest ratio of the window, including steps whose ratios are not kept.
    pub(super) fn largest(&self) -> Option<f64> {
        self.largest.map(f64::from)
    }

    /// Computes the median and discards the ratios.
    pub(super) fn close(&mut self) {
        self.median = median_of(&mut self.values);
        self.values.clear();
    }

    /// Returns the same buffer, empty and large enough for a window.
    pub(super) fn cleared(mut self) -> Self {
        self.values.clear();
        self.values.reserve_exact(KEPT);
        Self { values: self.values, next: 0, median: None, largest: None }
    }
}

fn median_of(values: &mut [f32]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    Some(f64::from(*median))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_survives_outliers_and_overflow_of_the_buffer() {
        let mut ratios = Ratios::default();
        assert_eq!(ratios.median(), None);
        for ratio in [3.0, 1.0, f32::INFINITY] {
            ratios.push(ratio);
        }
        assert_eq!(ratios.median(), Some(3.0));
        (0..KEPT).for_each(|_| ratios.push(7.0));
        ratios.close();
        assert_eq!(ratios.median(), Some(7.0));
        assert_eq!(ratios.largest(), Some(f64::INFINITY));
        assert_eq!(ratios.cleared().median(), None);
    }
}
