//! Errors of predicted values.

use serde::{Deserialize, Serialize};

/// Errors over all samples and targets, in the targets' own unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RegressionMetrics {
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Share of the variance explained, averaged over targets; 1 is perfect, 0 is as good as the mean. A constant target counts 0.
    pub r2: f64,
}

impl RegressionMetrics {
    /// Compares `predicted` with `actual`, both `[samples, targets]`.
    pub fn new(predicted: &[f32], actual: &[f32], targets: usize) -> Self {
        if actual.is_empty() || targets == 0 {
            return RegressionMetrics::default();
        }
        let count = actual.len() as f64;
        let errors = || predicted.iter().zip(actual).map(|(&guess, &truth)| f64::from(guess) - f64::from(truth));
        let r2 =
            (0..targets).map(|target| explained(predicted, actual, (target, targets))).sum::<f64>() / targets as f64;
        RegressionMetrics {
            rmse: (errors().map(|error| error * error).sum::<f64>() / count).sqrt(),
            mae: errors().map(f64::abs).sum::<f64>() / count,
            r2,
        }
    }
}

fn explained(predicted: &[f32], actual: &[f32], (target, targets): (usize, usize)) -> f64 {
    let column = |values: &'_ [f32]| -> Vec<f64> {
        values.iter().skip(target).step_by(targets).map(|&value| f64::from(value)).collect()
    };
    let (predicted, actual) = (column(predicted), column(actual));
    let mean = actual.iter().sum::<f64>() / actual.len() as f64;
    let total: f64 = actual.iter().map(|value| (value - mean).powi(2)).sum();
    let residual: f64 = predicted.iter().zip(&actual).map(|(guess, truth)| (guess - truth).powi(2)).sum();
    if total > 0.0 { 1.0 - residual / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_computed_by_hand() {
        let metrics = RegressionMetrics::new(&[1.0, 2.0, 5.0], &[1.0, 3.0, 5.0], 1);
        assert!((metrics.rmse - (1.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((metrics.mae - 1.0 / 3.0).abs() < 1e-12);
        assert!((metrics.r2 - (1.0 - 1.0 / 8.0)).abs() < 1e-12);
        let cases: [(&[f32], &[f32], f64); 3] =
            [(&[2.0, 2.0], &[2.0, 2.0], 0.0), (&[2.0, 2.0], &[1.0, 3.0], 0.0), (&[1.0, 3.0], &[1.0, 3.0], 1.0)];
        for (predicted, actual, r2) in cases {
            assert_eq!(RegressionMetrics::new(predicted, actual, 1).r2, r2, "{predicted:?} {actual:?}");
        }
    }
}
