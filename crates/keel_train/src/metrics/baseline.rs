//! Scores of a constant guess without a model: the largest class of the training split, or its mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::confusion::mean;
use super::probabilities::constant_scores;
use super::{ConfusionMatrix, MetricName, Metrics, RegressionMetrics};
use crate::objective::TrainingTargets;

/// Scores of a constant guess on the same samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Constant: `largest_class` of the training split (with its class fractions as probabilities), or its `mean`.
    pub guess: Guess,
    /// Guessed class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Value of each metric by name.
    #[serde(flatten)]
    pub scores: BTreeMap<String, f64>,
}

/// Constant that is guessed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guess {
    /// Class with the largest number of samples in the training split.
    #[default]
    LargestClass,
    /// Mean of the training split.
    Mean,
}

impl TrainingTargets {
    /// Returns the largest class and the fraction of each; `None` if they are not known.
    fn shares(&self) -> Option<(usize, Vec<f64>)> {
        let samples = self.class_samples.iter().sum::<u64>() as f64;
        let largest =
            (0..self.class_samples.len()).min_by_key(|&class| std::cmp::Reverse(self.class_samples[class]))?;
        (samples > 0.0).then(|| (largest, self.class_samples.iter().map(|&count| count as f64 / samples).collect()))
    }

    /// Returns the scores on a part whose true classes are counted in `confusion`.
    pub(super) fn of_classes(&self, confusion: &ConfusionMatrix, names: &[String]) -> Option<Baseline> {
        let (largest, shares) = self.shares().filter(|(_, shares)| shares.len() == confusion.counts.len())?;
        let samples = confusion.class_samples();
        let mut guessed = ConfusionMatrix::new(samples.len());
        for (row, &count) in guessed.counts.iter_mut().zip(&samples) {
            row[largest] = count;
        }
        let [log_loss, brier, top] = constant_scores(&shares, &samples)?;
        let undecided = guessed.matthews();
        let mut scores = vec![
            (MetricName::Accuracy, guessed.accuracy()),
            (MetricName::BalancedAccuracy, guessed.balanced_accuracy()),
            (MetricName::F1, guessed.f1()),
            (MetricName::Mcc, undecided),
            (MetricName::RocAuc, undecided.map(|_| 0.5)),
            (MetricName::PrAuc, undecided.and_then(|_| prevalence(&samples))),
            (MetricName::LogLoss, Some(log_loss)),
            (MetricName::Brier, Some(brier)),
        ];
        if super::top_k(samples.len()).is_some() {
            scores.push((MetricName::TopAccuracy, Some(top)));
        }
        Some(Baseline { guess: Guess::LargestClass, class: names.get(largest).cloned(), scores: by_name(scores) })
    }

    /// Returns the scores on a part with these true values, `[samples, names]`.
    pub(super) fn of_values(&self, actual: &[f32], names: &[String]) -> Option<Baseline> {
        if self.means.len() != names.len() {
            return None;
        }
        let guess: Vec<f32> = self.means.iter().map(|&mean| mean as f32).cycle().take(actual.len()).collect();
        let errors = RegressionMetrics::new(&guess, actual, names)?;
        let scores = vec![
            (MetricName::Rmse, Some(errors.rmse)),
            (MetricName::Mae, Some(errors.mae)),
            (MetricName::MedianAbsoluteError, errors.median_absolute_error),
            (MetricName::MaxError, errors.max_error),
            (MetricName::R2, errors.r2),
        ];
        Some(Baseline { guess: Guess::Mean, class: None, scores: by_name(scores) })
    }
}

impl Baseline {
    /// Returns the value of a metric.
    pub fn value(&self, metric: MetricName) -> Option<f64> {
        self.scores.get(metric.name()).copied()
    }

    /// Returns the guess in words: `largest class` or `mean`.
    pub fn words(&self) -> &'static str {
        match self.guess {
            Guess::LargestClass => "largest class",
            Guess::Mean => "mean",
        }
    }
}

impl Metrics {
    /// Returns true if the accuracy is not above that of the constant guess, or R2 not above 0; false if they are unknown.
    pub fn is_no_better_than_guess(&self) -> bool {
        match (self.accuracy, &self.regression) {
            (Some(accuracy), _) => {
                let guessed = self.baseline.as_ref().and_then(|baseline| baseline.value(MetricName::Accuracy));
                guessed.is_some_and(|guessed| accuracy <= guessed)
            }
            (None, Some(errors)) => errors.r2.is_some_and(|r2| r2 <= 0.0),
            (None, None) => false,
        }
    }
}

/// Returns the average precision of equal scores: the fraction of the positive class, or its mean over the classes present.
fn prevalence(samples: &[u64]) -> Option<f64> {
    let total = samples.iter().sum::<u64>() as f64;
    let shares = samples.iter().skip(usize::from(samples.len() == 2)).filter(|&&count| count > 0);
    mean(shares.map(|&count| count as f64 / total))
}

fn by_name(scores: Vec<(MetricName, Option<f64>)>) -> BTreeMap<String, f64> {
    let finite =
        scores.into_iter().filter_map(|(metric, value)| Some((metric, value.filter(|value| value.is_finite())?)));
    finite.map(|(metric, value)| (metric.name().to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_class_of_the_training_split_is_guessed_whatever_the_part_holds() {
        let training = TrainingTargets { class_samples: vec![25, 75], means: Vec::new() };
        let confusion = ConfusionMatrix { counts: vec![vec![6, 0], vec![1, 3]] };
        let names = ["a", "b"].map(String::from);
        let baseline = training.of_classes(&confusion, &names).unwrap();
        assert_eq!((baseline.class.as_deref(), baseline.value(MetricName::Accuracy)), (Some("b"), Some(0.4)));
        assert_eq!(baseline.value(MetricName::RocAuc), Some(0.5));
        assert_eq!(baseline.value(MetricName::PrAuc), Some(0.4));
        let expected = -(0.6 * 0.25f64.ln() + 0.4 * 0.75f64.ln());
        assert!((baseline.value(MetricName::LogLoss).unwrap() - expected).abs() < 1e-12);
        let text = serde_json::to_string(&baseline).unwrap();
        assert!(text.starts_with(r#"{"guess":"largest_class","class":"b","accuracy":0.4"#), "{text}");
        assert_eq!(serde_json::from_str::<Baseline>(&text).unwrap(), baseline);
        assert_eq!(TrainingTargets::default().of_classes(&confusion, &names), None, "a model of an older version");
        let one_class = ConfusionMatrix { counts: vec![vec![6, 0], vec![0, 0]] };
        assert_eq!(training.of_classes(&one_class, &names).unwrap().value(MetricName::RocAuc), None);
    }

    #[test]
    fn values_are_compared_with_the_training_mean() {
        let training = TrainingTargets { class_samples: Vec::new(), means: vec![2.0] };
        let baseline = training.of_values(&[1.0, 5.0], &["y".to_owned()]).unwrap();
        assert_eq!((baseline.value(MetricName::Mae), baseline.value(MetricName::Rmse)), (Some(2.0), Some(5f64.sqrt())));
        assert_eq!(training.of_values(&[], &["y".to_owned()]), None);
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        let weights = |class_samples: &[u64]| {
            TrainingTargets { class_samples: class_samples.to_vec(), means: Vec::new() }.balanced_weights()
        };
        assert_eq!(weights(&[30, 10]), [40.0 / 60.0, 2.0]);
        assert_eq!(weights(&[30, 0, 10]), [40.0 / 60.0, 1.0, 2.0]);
        assert!(weights(&[]).is_empty());
    }

    #[test]
    fn a_model_must_beat_the_guess() {
        let guessed = |accuracy: f64| {
            let scores = [("accuracy".to_owned(), accuracy)].into();
            Some(Baseline { scores, ..Baseline::default() })
        };
        let classes = |accuracy: f64, baseline: Option<Baseline>| {
            Metrics { accuracy: Some(accuracy), baseline, ..Metrics::default() }.is_no_better_than_guess()
        };
        assert!(classes(0.9, guessed(0.9)) && classes(0.8, guessed(0.9)));
        assert!(!classes(0.91, guessed(0.9)) && !classes(0.1, None) && !classes(f64::NAN, guessed(0.9)));
        for (r2, expected) in [(Some(-0.1), true), (Some(0.0), true), (Some(0.1), false), (None, false)] {
            let regression = Some(RegressionMetrics { r2, ..RegressionMetrics::default() });
            assert_eq!(Metrics { regression, ..Metrics::default() }.is_no_better_than_guess(), expected, "{r2:?}");
        }
        assert!(!Metrics::default().is_no_better_than_guess());
    }
}
