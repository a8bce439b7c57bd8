//! Paired comparison of results with and without a change, over seeds.

use serde::{Deserialize, Serialize};

use crate::config::MetricName;
use crate::metrics::Metrics;

/// Score of a run without a finite result, and the minimum score that is distinguished.
const WORST_SCORE: f64 = -1.0;

/// Relative difference that represents a loss that is not finite; 2 is the maximum.
const WORST_LOSS: f64 = 2.0;

/// Minimum change of a result, as a fraction of the distance to a perfect score, or of the loss.
const LEAST_SHARE: f64 = 0.05;

/// Same minimum for a single seed, which shows no spread.
const LEAST_SHARE_OF_ONE: f64 = 0.25;

/// Minimum difference of scores, however close they are to a perfect score.
const LEAST_SCORE: f64 = 0.002;

/// 0.95 quantiles of Student's t distribution for 1, 2, 3, ... degrees of freedom.
const STUDENT: [f64; 10] = [6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812];

/// The same quantile of the normal distribution.
const NORMAL: f64 = 1.645;

/// Result of one training run on the samples that it is evaluated on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Mean loss; `None` if it is not finite.
    pub loss: Option<f64>,
    /// Score: accuracy, or R2 of values, or the metric of the run; larger is better. `None` if it is undefined.
    pub score: Option<f64>,
}

impl RunResult {
    /// Returns the result in `metrics`; that of a run without metrics is empty, the worst possible.
    pub fn of(metrics: Option<&Metrics>, metric: MetricName) -> Self {
        let Some(metrics) = metrics else { return RunResult::default() };
        let finite = metrics.loss.is_finite() && metrics.left_out.is_none();
        let score = score_metric(metrics, metric).value(metrics);
        RunResult { loss: finite.then_some(metrics.loss), score: score.filter(|_| finite) }
    }

    /// Returns true if the run ended with finite numbers.
    pub fn is_finite(&self) -> bool {
        self.loss.is_some()
    }

    /// Returns the score, or the worst one for a run without a score.
    fn comparable_score(&self) -> f64 {
        self.score.map_or(WORST_SCORE, |score| score.max(WORST_SCORE))
    }
}

/// Returns the metric that results are compared by: that of the config if larger is better, otherwise accuracy or R2.
pub fn score_metric(metrics: &Metrics, metric: MetricName) -> MetricName {
    if metric != MetricName::Auto && metric.larger_is_better() {
        return metric;
    }
    if metrics.is_classification() { MetricName::Accuracy } else { MetricName::R2 }
}

/// Difference between the results with a change and those without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Better beyond the spread over seeds.
    Better,
    /// Worse beyond the spread over seeds.
    Worse,
    /// Neither better nor worse.
    Same,
}

/// Mean of paired differences, positive if better, and the size it must exceed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Mean over the seeds.
    pub mean: f64,
    /// Minimum relative difference.
    pub least: f64,
    /// Maximum of the relative minimum and the standard error times the 0.95 quantile of Student's t.
    pub needed: f64,
}

/// Results with and without a change, paired by seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Gain in score.
    pub score: Gain,
    /// Decrease of the loss relative to the mean of both losses.
    pub loss: Gain,
    /// Outcome: decided by the score, or by the loss if the scores are equal.
    pub change: Change,
}

impl Comparison {
    /// Compares results of the same seeds in the same order; seeds that one side lacks are ignored.
    pub fn of(without: &[RunResult], with: &[RunResult]) -> Self {
        let pairs: Vec<(&RunResult, &RunResult)> = without.iter().zip(with).collect();
        let scores: Vec<f64> =
            pairs.iter().map(|(without, with)| with.comparable_score() - without.comparable_score()).collect();
        let losses: Vec<f64> = pairs.iter().map(|(without, with)| loss_gain(without.loss, with.loss)).collect();
        let left = mean(pairs.iter().map(|(without, _)| 1.0 - without.comparable_score()));
        let share = if pairs.len() < 2 { LEAST_SHARE_OF_ONE } else { LEAST_SHARE };
        let score = Gain::of(&scores, (share * left).max(LEAST_SCORE));
        let loss = Gain::of(&losses, share);
        let change = match (score.change(), loss.change()) {
            (Change::Same, loss) => loss,
            (score, _) => score,
        };
        Comparison { score, loss, change }
    }
}

impl Gain {
    fn of(differences: &[f64], least: f64) -> Self {
        let mean = mean(differences.iter().copied());
        let count = differences.len() as f64;
        let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
        let error = if differences.len() < 2 { 0.0 } else { (squares / (count - 1.0) / count).sqrt() };
        let quantile = STUDENT.get(differences.len().saturating_sub(2)).copied().unwrap_or(NORMAL);
        Gain { mean, least, needed: least.max(quantile * error) }
    }

    /// Returns the direction, if the mean exceeds the required size.
    fn change(self) -> Change {
        if self.mean > self.needed {
            Change::Better
        } else if self.mean < -self.needed {
            Change::Worse
        } else {
            Change::Same
        }
    }
}

/// Returns `2 (a - b) / (|a| + |b|)` of the loss before and after; a loss that is not finite is the worst.
fn loss_gain(without: Option<f64>, with: Option<f64>) -> f64 {
    match (without, with) {
        (Some(without), Some(with)) => {
            let size = without.abs() + with.abs();
            if size > 0.0 { 2.0 * (without - with) / size } else { 0.0 }
        }
        (None, Some(_)) => WORST_LOSS,
        (Some(_), None) => -WORST_LOSS,
        (None, None) => 0.0,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(scores: &[f64], loss: f64) -> Vec<RunResult> {
        scores.iter().map(|&score| RunResult { loss: Some(loss), score: Some(score) }).collect()
    }

    #[test]
    fn a_change_must_exceed_the_spread_and_the_relative_minimum() {
        let cases: [(&[f64], &[f64], Change); 8] = [
            (&[0.1, 0.1, 0.1], &[0.95, 0.9, 0.97], Change::Better),
            (&[0.95, 0.9, 0.97], &[0.1, 0.1, 0.1], Change::Worse),
            (&[0.9, 0.9, 0.9], &[0.9, 0.9, 0.9], Change::Same),
            // The mean difference of 0.1 lies within the spread of the differences.
            (&[0.5, 0.5, 0.5], &[0.9, 0.5, 0.4], Change::Same),
            // A twentieth of the distance to a perfect score is 0.025: just below and just above.
            (&[0.5, 0.5, 0.5], &[0.524, 0.524, 0.524], Change::Same),
            (&[0.5, 0.5, 0.5], &[0.526, 0.526, 0.526], Change::Better),
            // A single seed must show a quarter of the distance.
            (&[0.5], &[0.62], Change::Same),
            (&[0.5], &[0.63], Change::Better),
        ];
        for (without, with, expected) in cases {
            let comparison = Comparison::of(&results(without, 1.0), &results(with, 1.0));
            assert_eq!(comparison.change, expected, "{without:?} {with:?} {comparison:?}");
        }
        // (0.8, 0.4, 0.3) - 0: mean 0.5, standard deviation 0.2646, standard error 0.1528, times 2.92 is 0.446.
        let gain = Comparison::of(&results(&[0.0; 3], 1.0), &results(&[0.8, 0.4, 0.3], 1.0)).score;
        assert!((gain.mean - 0.5).abs() < 1e-12 && (gain.needed - 0.446).abs() < 1e-3, "{gain:?}");
    }

    #[test]
    fn the_loss_decides_where_the_scores_are_the_same() {
        let change = |without: f64, with: f64, score: f64| {
            Comparison::of(&results(&[0.9; 3], without), &results(&[score; 3], with)).change
        };
        assert_eq!(change(1.0, 0.5, 0.9), Change::Better);
        assert_eq!(change(0.5, 1.0, 0.9), Change::Worse);
        assert_eq!(change(1.0, 0.97, 0.9), Change::Same);
        assert_eq!(change(0.5, 1.0, 0.95), Change::Better, "the score takes precedence over the loss");
    }

    #[test]
    fn a_run_without_a_result_is_worse_than_any_other() {
        let failed = [RunResult::default(); 3];
        let poor = results(&[0.1; 3], 2.3);
        assert_eq!(Comparison::of(&failed, &poor).change, Change::Better);
        assert_eq!(Comparison::of(&poor, &failed).change, Change::Worse);
        assert_eq!(Comparison::of(&failed, &failed).change, Change::Same);
        assert_eq!(Comparison::of(&[], &[]).change, Change::Same);
        let metrics = Metrics { loss: f64::NAN, accuracy: Some(0.9), ..Metrics::default() };
        assert_eq!(RunResult::of(Some(&metrics), MetricName::Auto), RunResult::default(), "NaN is not a result");
    }
}
