//! The metrics by name: what a config can choose, and how each is read and shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Metrics;

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricName {
    /// Of classes the accuracy, the loss deciding between equals; of values the loss.
    Auto,
    /// What is minimised.
    Loss,
    /// Share of right predictions.
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
    /// Mean negative logarithm of the true class's probability.
    LogLoss,
    /// Mean squared error of the probabilities.
    Brier,
    /// Expected calibration error.
    CalibrationError,
    /// Share of samples whose class is among the k most probable.
    TopAccuracy,
    /// Root of the mean squared error.
    Rmse,
    /// Mean absolute error.
    Mae,
    /// Median absolute error.
    MedianAbsoluteError,
    /// Largest absolute error.
    MaxError,
    /// Share of the variance explained.
    R2,
}

use MetricName::*;

/// What is shown of classes, in this order.
const OF_CLASSES: [MetricName; 10] =
    [Accuracy, BalancedAccuracy, TopAccuracy, RocAuc, PrAuc, F1, Mcc, LogLoss, Brier, CalibrationError];

/// What is shown of values, in this order.
const OF_VALUES: [MetricName; 5] = [R2, Rmse, Mae, MedianAbsoluteError, MaxError];

impl MetricName {
    /// Those of classes or of values, in the order in which they are shown; the loss comes last.
    pub fn shown(classification: bool) -> impl Iterator<Item = MetricName> {
        let names = if classification { OF_CLASSES.as_slice() } else { &OF_VALUES };
        names.iter().copied().chain([Loss])
    }

    /// Name in configs and JSON.
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

    /// The metric with this name.
    pub fn with_name(name: &str) -> Option<Self> {
        [Auto].into_iter().chain(Self::shown(true)).chain(OF_VALUES).find(|metric| metric.name() == name)
    }

    /// Name for people.
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

    /// `true` where a larger value is a better one.
    pub fn larger_is_better(self) -> bool {
        matches!(self, Auto | Accuracy | BalancedAccuracy | F1 | Mcc | RocAuc | PrAuc | TopAccuracy | R2)
    }

    /// `true` for shares that are shown in percent.
    pub fn is_share(self) -> bool {
        matches!(self, Accuracy | BalancedAccuracy | TopAccuracy)
    }

    /// `true` if it can be computed for classes, or for values.
    pub fn fits(self, classification: bool) -> bool {
        self == Auto || Self::shown(classification).any(|metric| metric == self)
    }

    /// `true` for those that need more than losses, counts and errors.
    pub(crate) fn needs_probabilities(self) -> bool {
        matches!(self, RocAuc | PrAuc | LogLoss | Brier | CalibrationError | TopAccuracy)
    }

    /// The value in `metrics`; `None` where it is undefined or was not computed.
    pub fn value(self, metrics: &Metrics) -> Option<f64> {
        let regression = metrics.regression.as_ref();
        let value = match self {
            Auto => None,
            Loss => Some(metrics.loss),
            Accuracy => metrics.accuracy,
            BalancedAccuracy => metrics.balanced_accuracy,
            F1 => metrics.f1,
            Mcc => metrics.mcc,
            RocAuc => metrics.roc_auc,
            PrAuc => metrics.pr_auc,
            LogLoss => metrics.log_loss,
            Brier => metrics.brier,
            CalibrationError => metrics.calibration_error,
            TopAccuracy => metrics.top_accuracy.map(|top| top.accuracy),
            Rmse => regression.map(|errors| errors.rmse),
            Mae => regression.map(|errors| errors.mae),
            MedianAbsoluteError => regression.and_then(|errors| errors.median_absolute_error),
            MaxError => regression.and_then(|errors| errors.max_error),
            R2 => regression.and_then(|errors| errors.r2),
        };
        value.filter(|value| value.is_finite())
    }

    /// The value turned so that larger is better; `None` where it is undefined.
    pub fn score(self, metrics: &Metrics) -> Option<f64> {
        let score = match (self, metrics.accuracy) {
            (Auto, Some(accuracy)) => Some(accuracy - 1e-6 * metrics.loss.min(1e3)),
            (Auto, None) => Some(-metrics.loss),
            _ if self.larger_is_better() => self.value(metrics),
            _ => self.value(metrics).map(|value| -value),
        };
        score.filter(|score| score.is_finite())
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

    #[test]
    fn what_is_no_number_has_no_score() {
        let mut metrics = Metrics { loss: f64::NAN, ..Metrics::default() };
        assert_eq!((Auto.score(&metrics), Loss.score(&metrics), RocAuc.score(&metrics)), (None, None, None));
        metrics.loss = 0.5;
        assert_eq!((Auto.score(&metrics), Loss.score(&metrics)), (Some(-0.5), Some(-0.5)));
        metrics.accuracy = Some(0.75);
        assert!(Auto.score(&metrics).is_some_and(|score| score < 0.75 && score > 0.7499));
        let better = Metrics { loss: 0.25, ..metrics.clone() };
        assert!(Auto.score(&better) > Auto.score(&metrics), "the loss decides between equals");
    }
}
