//! Metrics of a model's predictions.
//!
//! Values agree with scikit-learn on the predicted probabilities or values; each file names the options it corresponds to. A
//! metric that is undefined (ROC AUC with one class, R2 of one sample) is `None`, with its reason in [`Metrics::undefined`]:
//! never 0, never NaN.

mod baseline;
mod calibration;
mod confusion;
pub(crate) mod finite;
mod origin;
mod probabilities;
mod ranking;
mod regression;
mod score;
mod suspects;
mod tally;

use std::collections::BTreeMap;

use keel_health::measurement::SuspectLabels;
use serde::{Deserialize, Serialize};

pub use baseline::{Baseline, Guess};
pub use calibration::CalibrationBin;
pub(crate) use confusion::largest;
pub use confusion::{ClassMetrics, ConfusionMatrix};
pub(crate) use origin::sample_words;
pub use probabilities::top_k;
pub use ranking::KEPT_SCORES;
pub use regression::{RegressionMetrics, TargetMetrics};
pub use tally::Detail;
pub(crate) use tally::{Answers, Tally, void_outputs};

pub use crate::config::MetricName;
pub use crate::objective::TrainingTargets;

/// Metrics of one part of the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean of the loss that is minimised, with class weights if there are any; NaN without samples, `null` in JSON.
    #[serde(default = "finite::absent", with = "finite")]
    pub loss: f64,
    /// Number of samples that all metrics are computed over.
    pub samples: u64,
    /// Samples excluded from every metric, because their inputs, outputs or loss are not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// Fraction of samples whose maximum output is the right class; this and the following for classes only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Mean recall of the classes that have samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy: Option<f64>,
    /// Macro F1: the mean over the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// Matthews correlation coefficient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcc: Option<f64>,
    /// Area under the ROC curve: of the second class, or the mean over all classes, each against the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<f64>,
    /// Average precision: of the second class, or the mean over all classes, each against the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr_auc: Option<f64>,
    /// Mean negative log-probability of the true class, without weights or label smoothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<f64>,
    /// Mean squared error of the probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// Expected calibration error over ten bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_error: Option<f64>,
    /// Fraction of samples whose class is among the most probable; from five classes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_accuracy: Option<TopAccuracy>,
    /// Number of samples that `roc_auc` and `pr_auc` are computed over, if not all: of more than [`KEPT_SCORES`] scores, evenly
    /// spread samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranked_samples: Option<u64>,
    /// Errors of predicted values; regression only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regression: Option<RegressionMetrics>,
    /// Same scores of a constant guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Reasons for undefined metrics, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
    /// Per class: precision, recall, F1; classification only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassMetrics>,
    /// Counts, `[true class][predicted class]`; classification only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<ConfusionMatrix>,
    /// Confidence and accuracy in bins of confidence; bins without samples are omitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<CalibrationBin>,
    /// False and true positive rate at descending thresholds, at most a hundred points; two classes only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roc_curve: Vec<(f64, f64)>,
    /// Samples whose label the model confidently contradicts, for the health rules; classification only.
    #[serde(skip)]
    pub suspects: Option<SuspectLabels>,
}

/// Samples without a result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Number of samples.
    pub samples: u64,
    /// File, line or number of the first samples.
    pub first: Vec<String>,
}

/// Fraction of samples whose true class is among the `k` most probable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TopAccuracy {
    /// Number of classes that are considered.
    pub k: u64,
    /// Fraction of the samples.
    #[serde(default = "finite::absent", with = "finite")]
    pub accuracy: f64,
}

impl Metrics {
    /// Returns true for metrics of classes.
    pub fn is_classification(&self) -> bool {
        self.accuracy.is_some() || !self.classes.is_empty()
    }

    /// Returns every applicable metric, in the order in which they are shown: those that have a value or a reason for none.
    pub fn shown(&self) -> Vec<MetricName> {
        let names = MetricName::shown(self.is_classification());
        names.filter(|metric| metric.value(self).is_some() || self.undefined.contains_key(metric.name())).collect()
    }

    /// Returns the display name of a metric.
    pub fn title(&self, metric: MetricName) -> String {
        match (metric, self.top_accuracy) {
            (MetricName::TopAccuracy, Some(top)) => format!("top-{} accuracy", top.k),
            _ => metric.title().to_owned(),
        }
    }

    /// Removes everything that only charts need.
    pub fn without_charts(mut self) -> Self {
        self.calibration.clear();
        self.roc_curve.clear();
        if let Some(regression) = &mut self.regression {
            regression.points.clear();
        }
        self
    }
}

#[cfg(test)]
mod golden_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_nothing_but_nan_can_be_written_and_read() {
        let regression = RegressionMetrics { rmse: f64::INFINITY, mae: f64::NAN, ..RegressionMetrics::default() };
        let top = TopAccuracy { k: 5, accuracy: f64::NAN };
        let metrics = Metrics {
            loss: f64::NAN,
            samples: 3,
            accuracy: Some(f64::NAN),
            roc_auc: Some(f64::INFINITY),
            top_accuracy: Some(top),
            regression: Some(regression),
            ..Metrics::default()
        };
        let text = serde_json::to_string(&metrics).unwrap();
        let read: Metrics = serde_json::from_str(&text).unwrap();
        assert!(read.loss.is_nan() && read.samples == 3, "{text}");
        assert_eq!((read.accuracy, read.roc_auc), (None, None), "{text}");
        let errors = read.regression.unwrap();
        assert!(errors.rmse.is_nan() && errors.mae.is_nan() && errors.r2.is_none(), "{text}");
    }

    #[test]
    fn summaries_of_older_versions_can_be_read() {
        let classes: Metrics = serde_json::from_str(r#"{"loss":0.5,"samples":10,"accuracy":0.75}"#).unwrap();
        assert_eq!((classes.accuracy, classes.roc_auc, classes.is_classification()), (Some(0.75), None, true));
        let text = r#"{"loss":0.5,"samples":10,"regression":{"rmse":1.5,"mae":1.0,"r2":0.5}}"#;
        let values: Metrics = serde_json::from_str(text).unwrap();
        assert_eq!(values.regression.unwrap().r2, Some(0.5));
    }
}
