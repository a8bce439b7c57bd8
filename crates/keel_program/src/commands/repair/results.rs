//! Results of a run on the validation and the test split, alone or next to those of another run.

use keel_train::TrainError;
use keel_train::metrics::{MetricName, Metrics};
use keel_train::remedies::score_metric;
use keel_train::runs::{PartMetrics, RunFolder};
use serde::Serialize;

use crate::terminal::{Align, metric_text, table};

/// Results of a run; empty for a split without samples, or a run that did not finish.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Results {
    validation: Option<PartResult>,
    test: Option<PartResult>,
}

/// Result on one split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct PartResult {
    #[serde(skip)]
    metric: MetricName,
    /// Accuracy, or R2 of values.
    score: Option<f64>,
    loss: Option<f64>,
}

impl Results {
    /// Reads the results from the summary of the run in `folder`.
    ///
    /// # Errors
    /// If the summary cannot be read.
    pub(super) fn of(folder: &RunFolder) -> Result<Self, TrainError> {
        let PartMetrics { validation, test, .. } = folder.read_summary()?.metrics;
        Ok(Results { validation: validation.as_ref().map(PartResult::of), test: test.as_ref().map(PartResult::of) })
    }

    /// Returns true if there are results and `other` has the same ones.
    pub(super) fn is_same(&self, other: &Results) -> bool {
        self.validation.or(self.test).is_some() && self == other
    }

    /// Formats both splits, one row each, before and, if there is such a run, after.
    pub(super) fn table(before: &Results, after: Option<&Results>) -> String {
        let mut columns = vec![("results", Align::Left), ("before", Align::Right)];
        columns.extend(after.map(|_| ("after", Align::Right)));
        let parts: [(&str, fn(&Results) -> Option<PartResult>); 2] =
            [("validation", |results| results.validation), ("test", |results| results.test)];
        let mut rows = Vec::new();
        for (part, result) in parts {
            let both = [Some(before), after];
            let shown: Vec<Option<PartResult>> = both.iter().flatten().map(|results| result(results)).collect();
            let Some(metric) = shown.iter().flatten().map(|result| result.metric).next() else { continue };
            let row = |name: &str, metric: MetricName, value: fn(&PartResult) -> Option<f64>| {
                let text = |result: &Option<PartResult>| match result {
                    Some(result) => metric_text(metric, value(result)),
                    None => "no result".to_owned(),
                };
                std::iter::once(format!("{part} {name}")).chain(shown.iter().map(text)).collect::<Vec<_>>()
            };
            rows.push(row(metric.title(), metric, |result| result.score));
            rows.push(row(MetricName::Loss.title(), MetricName::Loss, |result| result.loss));
        }
        if rows.is_empty() {
            return "The run before has no results: it did not finish.".to_owned();
        }
        table(&columns, &rows)
    }
}

impl PartResult {
    fn of(metrics: &Metrics) -> Self {
        let metric = score_metric(metrics, MetricName::Auto);
        PartResult { metric, score: metric.value(metrics), loss: Some(metrics.loss).filter(|loss| loss.is_finite()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(accuracy: Option<f64>) -> Results {
        let part = accuracy.map(|accuracy| {
            PartResult::of(&Metrics { loss: 1.0 - accuracy, accuracy: Some(accuracy), ..Metrics::default() })
        });
        Results { validation: part, test: part }
    }

    #[test]
    fn both_splits_are_shown_before_and_after() {
        let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        let text = words(Results::table(&results(Some(0.25)), Some(&results(Some(0.75)))));
        assert!(text.contains("validation accuracy 25.00 % 75.00 % validation loss 0.7500 0.2500"), "{text}");
        assert!(text.contains("test accuracy 25.00 % 75.00 %"), "{text}");
        let text = words(Results::table(&results(None), Some(&results(Some(0.75)))));
        assert!(text.contains("test accuracy no result 75.00 %"), "{text}");
        let text = words(Results::table(&results(Some(0.25)), None));
        assert!(text.contains("results before") && !text.contains("after"), "{text}");
        assert!(Results::table(&results(None), None).contains("did not finish"));
        let empty = Results { validation: None, test: None };
        assert!(results(Some(0.25)).is_same(&results(Some(0.25))) && !empty.is_same(&empty));
        assert!(!results(Some(0.25)).is_same(&results(Some(0.75))));
    }
}
