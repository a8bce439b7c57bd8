//! Reasons to end a training before its last step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::deadline::Deadline;
use crate::config::{MetricName, TrainConfig};
use crate::health::Watch;
use crate::runs::TrainingState;

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// All steps are done.
    Finished,
    /// `train.early_stopping` epochs without a better result.
    EarlyStopping,
    /// Ended from outside, to be resumed; for this reason.
    Stopped(String),
}

/// Everything that can end a training early.
#[derive(Debug)]
pub(super) struct Stopping {
    /// Epochs without a better result after which it ends; 0 = never.
    patience: u64,
    stop: Arc<AtomicBool>,
    /// The time the training must be over; `None` without a time limit.
    pub(super) deadline: Option<Deadline>,
}

impl Stopping {
    /// Follows `config`, the flag `stop` and the time limit.
    pub(super) fn new(config: &TrainConfig, stop: Arc<AtomicBool>, deadline: Option<Deadline>) -> Self {
        Stopping { patience: config.early_stopping, stop, deadline }
    }

    /// Returns true if early stopping has run out of patience at the end of an epoch.
    pub(super) fn has_given_up(&self, state: &TrainingState) -> bool {
        self.patience > 0 && state.best_epoch > 0 && state.epoch >= state.best_epoch + self.patience
    }

    /// Returns why the training should stop after this step, if it should.
    pub(super) fn reason(&self, watch: Option<&Watch>) -> Option<String> {
        if let Some(reason) = watch.and_then(Watch::reason_to_stop) {
            return Some(reason);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Some("stopped on request".to_owned());
        }
        self.deadline.as_ref().is_some_and(Deadline::has_passed).then(|| "the time limit was reached".to_owned())
    }

    /// Why early stopping ended a training judged by `metric` on the split called `split`.
    pub(super) fn patience_text(&self, metric: MetricName, split: &str) -> String {
        let result = match metric {
            MetricName::Auto => "result",
            metric => metric.title(),
        };
        let epochs = if self.patience == 1 { "1 epoch".to_owned() } else { format!("{} epochs", self.patience) };
        format!("no better {split} {result} for {epochs}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_after_exactly_as_many_epochs_without_a_better_one() {
        let stopping = |patience: u64| {
            let config = TrainConfig { early_stopping: patience, ..TrainConfig::default() };
            Stopping::new(&config, Arc::default(), None)
        };
        // Patience, best epoch, epochs done, given up.
        let cases = [
            (3, 2, 4, false),
            (3, 2, 5, true),
            (3, 2, 6, true),
            (1, 1, 1, false),
            (1, 1, 2, true),
            (0, 1, 100, false),
            (3, 0, 100, false),
        ];
        for (patience, best_epoch, epoch, given_up) in cases {
            let state = TrainingState { best_epoch, epoch, ..TrainingState::default() };
            assert_eq!(stopping(patience).has_given_up(&state), given_up, "{patience} {best_epoch} {epoch}");
        }
        assert_eq!(
            stopping(1).patience_text(MetricName::Auto, "validation"),
            "no better validation result for 1 epoch"
        );
        assert_eq!(stopping(3).patience_text(MetricName::R2, "training"), "no better training R2 for 3 epochs");
    }

    #[test]
    fn a_flag_and_a_time_limit_stop_after_the_step() {
        let flag = Arc::new(AtomicBool::new(false));
        let config = TrainConfig::default();
        let stopping = Stopping::new(&config, Arc::clone(&flag), None);
        assert_eq!(stopping.reason(None), None);
        flag.store(true, Ordering::Relaxed);
        assert_eq!(stopping.reason(None).as_deref(), Some("stopped on request"));
        let over = Deadline::new(0.0, std::time::Instant::now(), 0.0);
        let stopping = Stopping::new(&config, Arc::default(), Some(over));
        assert_eq!(stopping.reason(None).as_deref(), Some("the time limit was reached"));
    }
}
