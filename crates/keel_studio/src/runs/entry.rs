//! A run as one row of the list.

use std::time::SystemTime;

use keel_health::{Finding, Level};
use keel_train::Config;
use keel_train::metrics::Metrics;
use keel_train::remedies::{findings_of, proofs_of};
use keel_train::runs::files::read_text;
use keel_train::runs::{EpochRecord, MetricReader, RunFolder, RunState, Status, Summary};
use serde::Serialize;

use super::stamp::Stamp;

/// A result of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Score {
    /// `test`, `val` or `train`.
    part: &'static str,
    /// `accuracy`, `r2`, `rmse` or `loss`.
    metric: &'static str,
    value: f64,
}

/// Number of findings by level, except those withdrawn by a proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FindingCounts {
    pub(crate) error: usize,
    pub(crate) warn: usize,
    pub(crate) info: usize,
}

/// A run as one row of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunEntry {
    /// Name of its folder.
    pub(crate) name: String,
    pub(crate) state: RunState,
    /// Reason why it stopped, failed, or cannot be read.
    pub(crate) reason: Option<String>,
    /// Process that writes to it.
    pub(crate) process: Option<u32>,
    pub(crate) data: String,
    /// `model.preset`.
    pub(crate) preset: String,
    pub(crate) layers: usize,
    pub(crate) parameters: usize,
    pub(crate) score: Option<Score>,
    pub(crate) epochs: u64,
    pub(crate) planned_epochs: Option<u64>,
    pub(crate) best_epoch: u64,
    pub(crate) steps: u64,
    pub(crate) planned_steps: Option<u64>,
    /// Training time in seconds.
    pub(crate) seconds: f64,
    /// Estimated remaining seconds, for a run in progress.
    pub(crate) seconds_left: Option<f64>,
    pub(crate) samples_per_second: f64,
    pub(crate) findings: FindingCounts,
    /// Time of the last write, in seconds since 1970.
    pub(crate) written: f64,
}

impl RunEntry {
    /// Reads the run in `folder`, whose files have the times in `stamp`.
    pub(crate) fn read(name: &str, folder: &RunFolder, stamp: &Stamp) -> Self {
        let writer = folder.writer();
        let summary = folder.read_summary();
        let mut entry = RunEntry::unread(name, stamp, folder.state(writer.as_ref(), summary.as_ref()));
        entry.process = writer.and_then(|writer| writer.process);
        let config = read_config(folder);
        entry.planned_epochs = config.as_ref().map(|config| config.train.epochs);
        entry.preset = config.as_ref().map(preset_of).unwrap_or_default();
        match summary {
            Ok(summary) => entry.fill(folder, stamp, &summary),
            Err(error) => entry.reason = (entry.state == RunState::Unreadable).then(|| error.to_string()),
        }
        entry
    }

    fn unread(name: &str, stamp: &Stamp, state: RunState) -> Self {
        RunEntry {
            name: name.to_owned(),
            state,
            reason: None,
            process: None,
            data: String::new(),
            preset: String::new(),
            layers: 0,
            parameters: 0,
            score: None,
            epochs: 0,
            planned_epochs: None,
            best_epoch: 0,
            steps: 0,
            planned_steps: None,
            seconds: 0.0,
            seconds_left: None,
            samples_per_second: 0.0,
            findings: FindingCounts::default(),
            written: stamp.written(),
        }
    }

    fn fill(&mut self, folder: &RunFolder, stamp: &Stamp, summary: &Summary) {
        self.reason.clone_from(&summary.reason);
        self.data.clone_from(&summary.data);
        self.layers = summary.layers.len();
        self.parameters = summary.layers.iter().map(|layer| layer.parameters).sum();
        (self.epochs, self.best_epoch) = (summary.epochs, summary.best_epoch);
        (self.steps, self.planned_steps) = (summary.steps, summary.planned_steps);
        (self.seconds, self.samples_per_second) = (finite(summary.seconds), finite(summary.samples_per_second));
        let proofs = proofs_of(summary);
        let stands = |finding: &Finding| !proofs.iter().any(|proof| proof.withdraws() && proof.concerns(finding));
        let findings = findings_of(folder).unwrap_or_default();
        self.findings = counts(findings.iter().filter(|finding| stands(finding)));
        self.score = score_of(summary);
        if summary.status == Status::Running {
            // The summary was written at the start; progress since then is in the database.
            self.read_progress(folder, stamp, summary.steps);
        } else if self.score.is_none() {
            self.read_score(folder);
        }
    }

    fn read_progress(&mut self, folder: &RunFolder, stamp: &Stamp, steps_before: u64) {
        let Ok(reader) = MetricReader::open(&folder.metrics()) else { return };
        let epochs = reader.epochs().unwrap_or_default();
        self.steps = reader.last_step().unwrap_or_default().unwrap_or(self.steps);
        self.epochs = epochs.last().map_or(self.epochs, |epoch| epoch.epoch);
        self.score = score_of_epochs(&epochs).or(self.score.take());
        self.findings = counts(reader.latest_findings().unwrap_or_default().iter());
        let began = stamp.summary_written().filter(|_| self.state == RunState::Running);
        let elapsed =
            began.and_then(|began| SystemTime::now().duration_since(began).ok()).map(|time| time.as_secs_f64());
        let done = self.steps.saturating_sub(steps_before);
        if let (Some(elapsed), Some(planned)) = (elapsed, self.planned_steps) {
            self.seconds = finite(self.seconds) + elapsed;
            let left = planned.saturating_sub(self.steps);
            self.seconds_left = (done > 0).then(|| elapsed / done as f64 * left as f64);
        } else {
            self.seconds = epochs.last().map_or(self.seconds, |epoch| finite(epoch.seconds));
        }
    }

    /// A stopped run has no final metrics: its last epoch is used.
    fn read_score(&mut self, folder: &RunFolder) {
        let epochs = MetricReader::open(&folder.metrics()).and_then(|reader| reader.epochs());
        self.score = score_of_epochs(&epochs.unwrap_or_default());
    }
}

fn read_config(folder: &RunFolder) -> Option<Config> {
    let text = read_text(&folder.config()).ok()?;
    keel_train::config::parse(&folder.config(), &text, &[]).ok()
}

/// Returns the name of the preset, or an empty string if layers are listed.
fn preset_of(config: &Config) -> String {
    let name = serde_json::to_value(config.model.preset).ok().filter(|_| config.model.layers.is_empty());
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn counts<'a>(findings: impl Iterator<Item = &'a Finding>) -> FindingCounts {
    let mut counts = FindingCounts::default();
    for finding in findings {
        match finding.level {
            Level::Error => counts.error += 1,
            Level::Warn => counts.warn += 1,
            Level::Info => counts.info += 1,
        }
    }
    counts
}

/// Returns the main result of a run that has ended.
fn score_of(summary: &Summary) -> Option<Score> {
    let parts = [("test", &summary.metrics.test), ("val", &summary.metrics.validation)];
    let (part, metrics) = parts.into_iter().find_map(|(part, metrics)| Some((part, metrics.as_ref()?)))?;
    let (metric, value) = leading(metrics);
    value.is_finite().then_some(Score { part, metric, value })
}

fn leading(metrics: &Metrics) -> (&'static str, f64) {
    match (metrics.accuracy, &metrics.regression) {
        (Some(accuracy), _) => ("accuracy", accuracy),
        (None, Some(errors)) => errors.r2.map_or(("rmse", errors.rmse), |r2| ("r2", r2)),
        (None, None) => ("loss", metrics.loss),
    }
}

/// Returns the result of the last epoch on the validation split, or else on the training split.
fn score_of_epochs(epochs: &[EpochRecord]) -> Option<Score> {
    let last = |part: &str| epochs.iter().rfind(|epoch| epoch.part == part);
    let epoch = last("val").or_else(|| last("train"))?;
    let (metric, value) = match (epoch.accuracy, epoch.r2, epoch.rmse) {
        (Some(accuracy), ..) => ("accuracy", accuracy),
        (None, Some(r2), _) => ("r2", r2),
        (None, None, Some(rmse)) => ("rmse", rmse),
        (None, None, None) => ("loss", epoch.loss),
    };
    value.is_finite().then_some(Score { part: epoch.part, metric, value })
}
