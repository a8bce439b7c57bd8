//! Calibration of probabilities: of the samples predicted with 80 %, 80 % should be right.

use serde::{Deserialize, Serialize};

use super::confusion::largest;
use super::finite;

/// Number of bins of equal width between 0 and 1.
const BINS: usize = 10;

/// Samples whose predicted class has a probability within one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower bound, exclusive except for 0.
    #[serde(with = "finite")]
    pub low: f64,
    /// Upper bound, inclusive.
    #[serde(with = "finite")]
    pub high: f64,
    /// Number of samples.
    pub samples: u64,
    /// Mean probability of the predicted class.
    #[serde(with = "finite")]
    pub confidence: f64,
    /// Fraction of correct predictions.
    #[serde(with = "finite")]
    pub accuracy: f64,
}

/// Sums per bin.
#[derive(Debug, Clone, Default)]
pub(super) struct Calibration {
    bins: [(u64, u64, f64); BINS],
}

impl Calibration {
    /// Adds a batch of `probabilities`, `[batch, classes]`.
    pub(super) fn add(&mut self, probabilities: &[f32], classes: usize, labels: &[u32]) {
        for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
            let predicted = largest(row);
            let confidence = f64::from(row[predicted]);
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let (samples, right, sum) = &mut self.bins[bin];
            *samples += 1;
            *right += u64::from(predicted == label as usize);
            *sum += confidence;
        }
    }

    /// Returns the bins that have samples.
    pub(super) fn bins(&self) -> Vec<CalibrationBin> {
        let bins = self.bins.iter().enumerate().filter(|(_, bin)| bin.0 > 0);
        let bin = |(index, &(samples, right, sum)): (usize, &(u64, u64, f64))| CalibrationBin {
            low: index as f64 / BINS as f64,
            high: (index + 1) as f64 / BINS as f64,
            samples,
            confidence: sum / samples as f64,
            accuracy: right as f64 / samples as f64,
        };
        bins.map(bin).collect()
    }

    /// Returns the expected calibration error: the distance between confidence and accuracy, averaged over the samples (Naeini
    /// et al. 2015, ten bins of equal width). `None` without samples.
    pub(super) fn error(&self) -> Option<f64> {
        let bins = self.bins();
        let samples = bins.iter().map(|bin| bin.samples).sum::<u64>() as f64;
        let distance = |bin: &CalibrationBin| bin.samples as f64 / samples * (bin.accuracy - bin.confidence).abs();
        (samples > 0.0).then(|| bins.iter().map(distance).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_what_is_below_their_upper_border() {
        let mut calibration = Calibration::default();
        calibration.add(&[0.25, 0.75, 0.25, 0.75, 0.0, 1.0, 0.5, 0.5], 2, &[1, 0, 1, 0]);
        let rows: Vec<_> = calibration.bins().iter().map(|bin| (bin.high, bin.samples, bin.accuracy)).collect();
        assert_eq!(rows, [(0.5, 1, 1.0), (0.8, 2, 0.5), (1.0, 1, 1.0)]);
        assert_eq!(calibration.error(), Some(0.25 * 0.5 + 0.5 * 0.25));
        assert_eq!(Calibration::default().error(), None);
    }
}
