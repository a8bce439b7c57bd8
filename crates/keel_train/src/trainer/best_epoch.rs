//! Selects the epoch whose weights are kept: the one with the best value of `train.metric` on the validation split, or on the
//! training steps of the epoch if there is no validation split.

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::metrics::{MetricName, Metrics};
use crate::runs::TrainingState;

/// Records the epoch that just ended as the best if it is, and returns true then. An epoch without a finite result is never the
/// best. The epoch with fewer samples without a result is better; among equals, the metric decides.
pub(super) fn note(metric: MetricName, judged: &Metrics, state: &mut TrainingState) -> bool {
    let left_out = judged.left_out.as_ref().map_or(0, |left_out| left_out.samples);
    let Some(score) = metric.score(judged) else { return false };
    let better = |best: f64| left_out < state.best_left_out || left_out == state.best_left_out && score > best;
    if !state.best_score.is_none_or(better) {
        return false;
    }
    (state.best_score, state.best_left_out, state.best_epoch) = (Some(score), left_out, state.epoch);
    true
}

/// Rejects a metric that needs a validation split if there is none.
pub(super) fn check_split(config: &TrainConfig, validation: &[usize]) -> Result<(), TrainError> {
    let metric = config.metric;
    if !validation.is_empty() || matches!(metric, MetricName::Auto | MetricName::Loss | MetricName::Accuracy) {
        return Ok(());
    }
    let message =
        format!("{} needs a validation split and there is none; set data.validation, or use auto", metric.name());
    Err(TrainError::setting("train.metric", message))
}

/// Rejects a metric that is undefined on the validation split for any prediction.
pub(super) fn check_defined(metric: MetricName, judged: &Metrics) -> Result<(), TrainError> {
    let derived = !matches!(metric, MetricName::Auto | MetricName::Loss);
    if !derived || judged.samples == 0 || metric.value(judged).is_some() {
        return Ok(());
    }
    let reason = judged.undefined.get(metric.name()).map_or("it needs at least five classes", String::as_str);
    let message =
        format!("{} is undefined on the validation split ({reason}); use another metric or split", metric.name());
    Err(TrainError::setting("train.metric", message))
}

/// Returns the error of a run that has no best epoch.
pub(super) fn none_found(judged: Option<&Metrics>, split: &'static str) -> TrainError {
    let left_out = judged.and_then(|metrics| metrics.left_out.as_ref());
    let samples = left_out.map_or_else(String::new, |left_out| {
        format!(": {} samples gave NaN or infinity, first {}", left_out.samples, left_out.first.join("; "))
    });
    TrainError::NoResult { split, samples }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::LeftOut;

    #[test]
    fn the_best_epoch_has_a_finite_result_and_the_fewest_samples_without_one() {
        let metrics = |loss, left_out: u64| {
            let left_out = (left_out > 0).then(|| LeftOut { samples: left_out, first: Vec::new() });
            Metrics { loss, samples: 10, left_out, ..Metrics::default() }
        };
        let epochs = [
            (metrics(f64::NAN, 10), 0),
            (metrics(0.5, 1), 2),
            (metrics(0.1, 3), 2),
            (metrics(0.9, 0), 4),
            (metrics(0.9, 0), 4),
            (metrics(0.8, 0), 6),
            (metrics(f64::INFINITY, 0), 6),
        ];
        let mut state = TrainingState::default();
        for (judged, best_epoch) in epochs {
            state.epoch += 1;
            let best = note(MetricName::Auto, &judged, &mut state);
            assert_eq!((state.best_epoch, best), (best_epoch, best_epoch == state.epoch), "epoch {}", state.epoch);
        }
    }

    #[test]
    fn an_undefined_metric_is_refused_with_its_reason() {
        let mut metrics = Metrics { loss: 0.5, samples: 3, ..Metrics::default() };
        metrics.undefined.insert("roc_auc".to_owned(), "only one class present".to_owned());
        let message = check_defined(MetricName::RocAuc, &metrics).unwrap_err().to_string();
        assert!(
            message.starts_with("train.metric: roc_auc is undefined on the validation split (only one class"),
            "{message}"
        );
        assert!(check_defined(MetricName::Loss, &metrics).is_ok());
        let config = TrainConfig { metric: MetricName::RocAuc, ..TrainConfig::default() };
        assert!(check_split(&config, &[]).is_err() && check_split(&config, &[1]).is_ok());
    }
}
