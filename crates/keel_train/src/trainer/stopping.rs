//! Reasons to end a run before its last step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::deadline::Deadline;
use crate::config::{MetricName, TrainConfig};
use crate::error::TrainError;
use crate::health::Watch;
use crate::runs::TrainingState;
use crate::session::ranks::Ranks;

/// Reason why the training loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// All steps are done.
    Finished,
    /// No better result for `train.early_stopping` epochs.
    EarlyStopping,
    /// Stopped early for the given reason; the run can be resumed.
    Stopped(String),
}

/// Request of a rank after a step. Clocks, signals and findings differ between ranks, so all ranks agree on one action. The
/// flag that a rank has a request is sent with the losses of a step; the request itself is exchanged after that step, so that
/// most steps need no extra message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// Stop the run, for this reason.
    pub(super) stop: Option<String>,
    /// Shorten the run to this number of steps.
    pub(super) total_steps: Option<u64>,
    /// Write a checkpoint.
    pub(super) checkpoint: bool,
}

impl Request {
    /// Merges the request of a later step.
    pub(super) fn add(&mut self, later: Request) {
        self.stop = self.stop.take().or(later.stop);
        self.total_steps = later.total_steps.or(self.total_steps);
        self.checkpoint |= later.checkpoint;
    }

    /// Returns the action that all ranks take after this step, if a request was announced with its losses, and announces a new
    /// request with those of the next step. A single rank acts on its request immediately.
    ///
    /// # Errors
    /// See [`Request::agreed`].
    pub(super) fn take_agreed(&mut self, ranks: &Ranks) -> Result<Request, TrainError> {
        let mut agreed = Request::default();
        if ranks.share().size == 1 || ranks.any_request() {
            agreed = std::mem::take(self).agreed(ranks)?;
        }
        ranks.announce_request(*self != Request::default());
        Ok(agreed)
    }

    /// Returns the action of all ranks: they stop for the reason of the first rank that has one; the first rank, which records
    /// the run, decides everything else.
    ///
    /// # Errors
    /// [`TrainError::Ranks`] if a rank is lost.
    fn agreed(self, ranks: &Ranks) -> Result<Request, TrainError> {
        if ranks.share().size == 1 {
            return Ok(self);
        }
        let own = serde_json::to_vec(&self).unwrap_or_default();
        let requests = ranks.gather(&own)?;
        let mut requests =
            requests.iter().map(|request| serde_json::from_slice::<Request>(request).unwrap_or_default());
        let first = requests.next().unwrap_or_default();
        let stop = first.stop.clone().or_else(|| requests.find_map(|request| request.stop));
        Ok(Request { stop, ..first })
    }
}

/// Conditions that can end a run early.
#[derive(Debug)]
pub(super) struct Stopping {
    /// Number of epochs without a better result after which the run ends; 0 = never.
    patience: u64,
    stop: Arc<AtomicBool>,
    /// Deadline of the run; `None` without a time limit.
    pub(super) deadline: Option<Deadline>,
}

impl Stopping {
    /// Creates the conditions from `config`, the flag `stop` and the time limit.
    pub(super) fn new(config: &TrainConfig, stop: Arc<AtomicBool>, deadline: Option<Deadline>) -> Self {
        Stopping { patience: config.early_stopping, stop, deadline }
    }

    /// Returns true if early stopping ends the run after this epoch.
    pub(super) fn has_given_up(&self, state: &TrainingState) -> bool {
        self.patience > 0 && state.best_epoch > 0 && state.epoch >= state.best_epoch + self.patience
    }

    /// Returns the reason to stop after this step, if there is one.
    pub(super) fn reason(&self, watch: Option<&Watch>) -> Option<String> {
        if let Some(reason) = watch.and_then(Watch::reason_to_stop) {
            return Some(reason);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Some("stopped on request".to_owned());
        }
        self.deadline.as_ref().is_some_and(Deadline::has_passed).then(|| "the time limit was reached".to_owned())
    }

    /// Returns the reason for early stopping of a run evaluated with `metric` on the split named `split`.
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
