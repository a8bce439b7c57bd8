//! One run of a proof.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_health::Finding;
use serde::{Deserialize, Serialize};

use super::comparison::{RunResult, score_metric};
use super::{ProofOptions, WINDOWS};
use crate::error::TrainError;
use crate::loading::load_data;
use crate::metrics::Metrics;
use crate::remedies::{Fork, config_of, findings_of, fork};
use crate::runs::{Checkpoint, RunFolder, Status, Summary, TrainingState};
use crate::session::Session;
use crate::threads;
use crate::trainer::{Event, Training, TrainingObserver};

/// Result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Seed of the run.
    pub seed: u64,
    /// Statistic of the finding at the end; `None` if it is within its limits.
    pub statistic: Option<f64>,
    /// Mean training loss of the last quarter of the steps; `None` if it is not finite.
    pub loss: Option<f64>,
    /// Result on the validation split (the training split if there is none): of the best epoch of a complete training run,
    /// otherwise at the last step.
    #[serde(default)]
    pub result: RunResult,
}

/// Result of one run of the proof, with details.
pub(super) struct Outcome {
    pub(super) arm: Arm,
    /// Limit that the statistic exceeds.
    pub(super) limit: Option<f64>,
    pub(super) from_step: u64,
    /// Number of steps of the run itself.
    pub(super) steps: u64,
    /// Name of the score.
    pub(super) score: Option<String>,
}

/// One run of the proof.
pub(super) struct Runner<'a> {
    pub(super) finding: &'a Finding,
    pub(super) continuation: Fork<'a>,
    /// Number of steps; `None` for a complete training run.
    pub(super) steps: Option<u64>,
    pub(super) options: &'a ProofOptions,
}

/// Collects losses and stops after a number of steps, or when the whole proof is stopped.
struct Losses<'a> {
    values: Vec<f64>,
    steps: usize,
    stop: Arc<AtomicBool>,
    stop_all: &'a AtomicBool,
}

impl TrainingObserver for Losses<'_> {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Step(step) = event {
            self.values.push(step.loss);
            let enough = self.values.len() >= self.steps;
            self.stop.store(enough || self.stop_all.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

impl Runner<'_> {
    /// Trains in a temporary folder, which is removed.
    ///
    /// # Errors
    /// If the run cannot be continued. A run that ends without a result is not an error.
    pub(super) fn run(&self, seed: u64) -> Result<Outcome, TrainError> {
        let folder = fork(&self.continuation, &self.options.scratch, "arm")?;
        let begun = Checkpoint::<TrainingState>::read(&folder.last_checkpoint())?;
        let stop = Arc::new(AtomicBool::new(false));
        let steps = self.steps.map_or(usize::MAX, |steps| steps.max(1) as usize);
        let mut losses = Losses { values: Vec::new(), steps, stop: Arc::clone(&stop), stop_all: &self.options.stop };
        let mut trainer = Training::resume(folder.path())?.with_stop(stop);
        if self.continuation.from_start {
            // The start is evaluated only in a new training run.
            std::fs::remove_file(folder.last_checkpoint())
                .map_err(|e| TrainError::run(&folder.last_checkpoint(), e))?;
            trainer = self.with_surgery_at_start(trainer, &begun, &folder)?;
        }
        let summary = match trainer.run(&mut losses) {
            Ok(run) => Some(run.summary),
            Err(TrainError::NonFinite { .. } | TrainError::NoResult { .. }) => None,
            Err(error) => return Err(error),
        };
        let last = &losses.values[losses.values.len() * 3 / 4..];
        let loss = last.iter().sum::<f64>() / last.len() as f64;
        let from_step = begun.description.step;
        let steps = losses.values.len() as u64;
        let beyond = self.statistic(&findings_of(&folder)?, from_step + steps);
        let metrics = summary.map(|summary| metrics_of(&folder, &summary)).transpose()?.flatten();
        let metric = self.continuation.config.train.metric;
        let score = metrics.as_ref().map(|metrics| score_metric(metrics, metric).title().to_owned());
        let result = RunResult::of(metrics.as_ref(), metric);
        let _ = std::fs::remove_dir_all(folder.path());
        let (statistic, limit) = (beyond.map(|(statistic, _)| statistic), beyond.map(|(_, limit)| limit));
        let arm = Arm { seed, statistic, loss: loss.is_finite().then_some(loss), result };
        Ok(Outcome { arm, limit, from_step, steps, score })
    }

    /// Keeps the checkpoint of a start with changed weights.
    fn with_surgery_at_start(
        &self,
        trainer: Training,
        begun: &Checkpoint<'_, TrainingState>,
        folder: &RunFolder,
    ) -> Result<Training, TrainError> {
        if self.continuation.surgery.is_some() {
            begun.write(&folder.last_checkpoint())?;
        }
        Ok(trainer)
    }

    /// Returns the statistic of the finding at the end of a run of `steps`, and its limit; `None` if it is within its limits
    /// again.
    fn statistic(&self, findings: &[Finding], steps: u64) -> Option<(f64, f64)> {
        let same = |finding: &&Finding| finding.code == self.finding.code && finding.layer == self.finding.layer;
        let found = findings.iter().find(same)?;
        let recovered = found.last_step > 0 && found.last_step + WINDOWS / 2 < steps;
        if recovered {
            return None;
        }
        let latest = found.evidence.as_ref().and_then(|evidence| evidence.values.last().copied());
        Some((latest.unwrap_or(found.measured), found.threshold))
    }
}

/// Returns the metrics that a run is evaluated by: those of its best epoch if it finished, otherwise those of its last
/// checkpoint.
fn metrics_of(folder: &RunFolder, summary: &Summary) -> Result<Option<Metrics>, TrainError> {
    if summary.status == Status::Finished {
        return Ok(summary.metrics.validation.clone().or_else(|| summary.metrics.train.clone()));
    }
    let config = config_of(folder)?;
    if !folder.last_checkpoint().exists() {
        return Ok(None);
    }
    threads::pool_of(&config)?.install(|| {
        let mut session = Session::new(&config, load_data(&config)?)?;
        session.read_last(&config.fingerprint(), &folder.last_checkpoint())?;
        let data = session.data();
        let part = if data.validation.is_empty() { data.train.clone() } else { data.validation.clone() };
        session.evaluate(&part)
    })
}
