//! Metrics by name: the values of the config key, and how each is read and shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricName {
    /// For classes the accuracy, with the loss as a tie-breaker; for values the loss.
    Auto,
    /// The loss that is minimised.
    Loss,
    /// Fraction of correct predictions.
    Accuracy,
    /// Mean recall of the classes.
    BalancedAccuracy,
    /// Macro F1.
    F1,
    /// Matthews correlation coefficient.
    Mcc,
    /// Area under the ROC curve.
    RocAuc,
    /// Average precision.
    PrAuc,
    /// Mean negative log-probability of the true class.
    LogLoss,
    /// Mean squared error of the probabilities.
    Brier,
    /// Expected calibration error.
    CalibrationError,
    /// Fraction of samples whose class is among the k most probable.
    TopAccuracy,
    /// Root of the mean squared error.
    Rmse,
    /// Mean absolute error.
    Mae,
    /// Median absolute error.
    MedianAbsoluteError,
    /// Maximum absolute error.
    MaxError,
    /// Coefficient of determination: fraction of the variance explained.
    R2,
}

use MetricName::*;

/// Metrics shown for classes, in this order.
const OF_CLASSES: [MetricName; 10] =
    [Accuracy, BalancedAccuracy, TopAccuracy, RocAuc, PrAuc, F1, Mcc, LogLoss, Brier, CalibrationError];

/// Metrics shown for values, in this order.
const OF_VALUES: [MetricName; 5] = [R2, Rmse, Mae, MedianAbsoluteError, MaxError];

impl MetricName {
    /// Iterates over the metrics of classes or of values, in the order in which they are shown; the loss comes last.
    pub fn shown(classification: bool) -> impl Iterator<Item = MetricName> {
        let names = if classification { OF_CLASSES.as_slice() } else { &OF_VALUES };
        names.iter().copied().chain([Loss])
    }

    /// Returns the name in configs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Auto => "auto",
            Loss => "loss",
            Accuracy => "accuracy",
            BalancedAccuracy => "balanced_accuracy",
            F1 => "f1",
            Mcc => "mcc",
            RocAuc => "roc_auc",
            PrAuc => "pr_auc",
            LogLoss => "log_loss",
            Brier => "brier",
            CalibrationError => "calibration_error",
            TopAccuracy => "top_accuracy",
            Rmse => "rmse",
            Mae => "mae",
            MedianAbsoluteError => "median_absolute_error",
            MaxError => "max_error",
            R2 => "r2",
        }
    }

    /// Returns the metric with this name.
    pub fn with_name(name: &str) -> Option<Self> {
        [Auto].into_iter().chain(Self::shown(true)).chain(OF_VALUES).find(|metric| metric.name() == name)
    }

    /// Returns the display name.
    pub fn title(self) -> &'static str {
        match self {
            Auto => "auto",
            Loss => "loss",
            Accuracy => "accuracy",
            BalancedAccuracy => "balanced accuracy",
            F1 => "F1 (macro)",
            Mcc => "MCC",
            RocAuc => "ROC AUC",
            PrAuc => "PR AUC",
            LogLoss => "log loss",
            Brier => "Brier score",
            CalibrationError => "calibration error",
            TopAccuracy => "top-k accuracy",
            Rmse => "RMSE",
            Mae => "MAE",
            MedianAbsoluteError => "median abs. error",
            MaxError => "max error",
            R2 => "R2",
        }
    }

    /// Returns true if larger values are better.
    pub fn larger_is_better(self) -> bool {
        matches!(self, Auto | Accuracy | BalancedAccuracy | F1 | Mcc | RocAuc | PrAuc | TopAccuracy | R2)
    }

    /// Returns true for fractions that are shown in percent.
    pub fn is_share(self) -> bool {
        matches!(self, Accuracy | BalancedAccuracy | TopAccuracy)
    }

    /// Returns true if it can be computed for classes, or for values.
    pub fn fits(self, classification: bool) -> bool {
        self == Auto || Self::shown(classification).any(|metric| metric == self)
    }

    /// Returns true if it needs more than losses, counts and errors.
    pub(crate) fn needs_probabilities(self) -> bool {
        matches!(self, RocAuc | PrAuc | LogLoss | Brier | CalibrationError | TopAccuracy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_configs_and_lead_back() {
        for metric in [Auto].into_iter().chain(MetricName::shown(true)).chain(OF_VALUES) {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
            assert_eq!(MetricName::with_name(metric.name()), Some(metric));
            assert!(metric.fits(true) || metric.fits(false));
        }
        assert_eq!(MetricName::with_name("accurracy"), None);
        assert!(!RocAuc.fits(false) && !Rmse.fits(true) && Loss.fits(true) && Loss.fits(false));
    }
}
