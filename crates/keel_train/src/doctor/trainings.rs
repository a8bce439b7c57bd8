//! Training runs of the doctor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use keel_data::SplitDataset;
use keel_health::Finding;

use super::DoctorOptions;
use crate::config::{Config, HealthConfig};
use crate::error::TrainError;
use crate::loading::load_data;
use crate::metrics::{MetricName, Metrics};
use crate::remedies::{RunResult, findings_of, score_metric};
use crate::runs::{RunFolder, Status, Summary};
use crate::trainer::{Event, Training, TrainingObserver};

/// Number of epochs at the end whose losses are compared with those before.
const RECENT_EPOCHS: usize = 3;

/// Relative decrease of the loss over those epochs from which a training run counts as stopped too early.
const STILL_FALLING: f64 = 0.02;

/// Fraction of the distance from a constant guess to a perfect score below which a result is poor.
const POOR_SHARE: f64 = 0.2;

/// Score from which a training run needs no advice beyond the remedies of its findings.
const GOOD_SCORE: f64 = 0.95;

/// A training run that ended, with or without a result.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    pub(super) validation: RunResult,
    /// Test result, used only by the final report.
    pub(super) test: RunResult,
    pub(super) findings: Vec<Finding>,
    /// Metric of the score; `None` if the training run has none.
    pub(super) metric: Option<MetricName>,
    /// Score of a constant guess.
    guess: f64,
    /// Validation loss of each epoch.
    losses: Vec<f64>,
    pub(super) seconds: f64,
}

/// End of a training run.
#[derive(Debug)]
pub(super) enum Trained {
    /// The run ended, with or without a result.
    Ended(Box<Trial>),
    /// The config does not fit the data or the model.
    Refused(TrainError),
    /// The run ended after this many epochs because its time was over.
    OutOfTime(u64),
    /// The run was stopped by the user.
    Stopped,
}

impl Trial {
    /// Returns true if the result is hardly better than a constant guess.
    pub(super) fn is_poor(&self) -> bool {
        let better = self.validation.score.is_some_and(|score| score > self.guess + POOR_SHARE * (1.0 - self.guess));
        !better
    }

    /// Returns true if the score is close to perfect.
    pub(super) fn is_good(&self) -> bool {
        self.validation.score.is_some_and(|score| score >= GOOD_SCORE)
    }

    /// Returns true if the validation loss was still falling at the end.
    pub(super) fn still_improves(&self) -> bool {
        let Some(first) = self.losses.len().checked_sub(2 * RECENT_EPOCHS) else { return false };
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (earlier, later) = self.losses[first..].split_at(RECENT_EPOCHS);
        mean(later) < (1.0 - STILL_FALLING) * mean(earlier)
    }
}

/// Trains `config` with `seed` on `data` until `deadline` at the latest, with the health rules.
pub(super) fn train(
    config: &Config,
    data: &SplitDataset,
    seed: u64,
    deadline: Option<Instant>,
    options: &DoctorOptions,
) -> Trained {
    let mut config = config.clone();
    config.train.seed = seed;
    config.train.time_limit = 0.0;
    config.run.directory = options.scratch.display().to_string();
    config.run.name = "trial".to_owned();
    config.health = HealthConfig::default();
    let stop = Arc::new(AtomicBool::new(false));
    let mut watch =
        Watch { stop: Arc::clone(&stop), stop_all: &options.stop, deadline, late: false, losses: Vec::new() };
    let began = Instant::now();
    let training = Training::new(config.clone()).with_data(data.clone()).with_stop(stop);
    let ended = training.run_in_memory(&mut watch);
    let seconds = began.elapsed().as_secs_f64();
    if options.stop.load(Ordering::Relaxed) {
        return Trained::Stopped;
    }
    let Watch { late, losses, .. } = watch;
    match ended {
        Ok(run) if run.summary.status == Status::Finished => {
            let trial = Trial { losses, seconds, ..of_summary(&run.summary, &config) };
            Trained::Ended(Box::new(trial))
        }
        Ok(_) if late => Trained::OutOfTime(losses.len() as u64),
        Ok(_) | Err(TrainError::NonFinite { .. } | TrainError::NoResult { .. }) => {
            let findings = findings_of_failure(&config, data);
            Trained::Ended(Box::new(Trial { losses, seconds, findings, ..Trial::default() }))
        }
        Err(error) => Trained::Refused(error),
    }
}

/// Returns the data of `config`: that of `base`, if it was read with the same settings.
///
/// # Errors
/// If it cannot be read.
pub(super) fn data_of(config: &Config, base: &Config, data: &SplitDataset) -> Result<SplitDataset, TrainError> {
    if config.data == base.data { Ok(data.clone()) } else { load_data(config) }
}

fn of_summary(summary: &Summary, config: &Config) -> Trial {
    let metric = config.train.metric;
    let judged = summary.metrics.validation.as_ref().or(summary.metrics.train.as_ref());
    let score_metric = judged.map(|metrics| score_metric(metrics, metric));
    let guess = |metrics: &Metrics| metrics.baseline.as_ref()?.value(score_metric?);
    Trial {
        validation: RunResult::of(judged, metric),
        test: RunResult::of(summary.metrics.test.as_ref(), metric),
        findings: summary.read_findings().unwrap_or_default(),
        metric: score_metric,
        guess: judged.and_then(guess).filter(|guess| guess.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0),
        ..Trial::default()
    }
}

/// Returns the findings of a training run that fails: it is repeated in a folder, which stores them. Such a training run is
/// short; without a folder there are no findings.
fn findings_of_failure(config: &Config, data: &SplitDataset) -> Vec<Finding> {
    let mut place = Place::default();
    let _ = Training::new(config.clone()).with_data(data.clone()).run(&mut place);
    let Some(folder) = place.folder else { return Vec::new() };
    let findings = findings_of(&folder).unwrap_or_default();
    let _ = std::fs::remove_dir_all(folder.path());
    findings
}

/// Folder of a training run.
#[derive(Debug, Default)]
struct Place {
    folder: Option<RunFolder>,
}

impl TrainingObserver for Place {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Started(started) = event {
            self.folder.clone_from(&started.folder);
        }
    }
}

/// Records the losses of epochs, and ends the training run when its time is over or everything is to stop.
struct Watch<'a> {
    stop: Arc<AtomicBool>,
    stop_all: &'a AtomicBool,
    deadline: Option<Instant>,
    /// True if the time was over.
    late: bool,
    losses: Vec<f64>,
}

impl TrainingObserver for Watch<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Step(_) => {
                self.late |= self.deadline.is_some_and(|deadline| Instant::now() > deadline);
                self.stop.store(self.late || self.stop_all.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            Event::Epoch(epoch) => self.losses.push(epoch.validation.unwrap_or(epoch.train).loss),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_still_falls_is_told_from_one_that_does_not() {
        let trial = |losses: &[f64]| Trial { losses: losses.to_vec(), ..Trial::default() };
        assert!(trial(&[1.0, 0.9, 0.8, 0.7, 0.6, 0.5]).still_improves());
        assert!(!trial(&[0.5, 0.5, 0.5, 0.495, 0.495, 0.495]).still_improves());
        assert!(!trial(&[1.0, 0.5]).still_improves(), "too few epochs to say");
        assert!(!trial(&[1.0, 0.9, 0.8, f64::NAN, 0.6, 0.5]).still_improves());
    }

    #[test]
    fn poor_is_hardly_better_than_a_constant_guess() {
        let trial = |score: Option<f64>, guess: f64| Trial {
            validation: RunResult { loss: Some(1.0), score },
            guess,
            ..Trial::default()
        };
        let cases = [(Some(0.5), 0.5, true), (Some(0.6), 0.5, true), (Some(0.61), 0.5, false), (None, 0.0, true)];
        for (score, guess, expected) in cases {
            assert_eq!(trial(score, guess).is_poor(), expected, "{score:?} {guess}");
        }
        assert!(
            trial(Some(f64::NAN), 0.0).is_poor() && !trial(Some(f64::NAN), 0.0).is_good(),
            "NaN is not a good result"
        );
        assert!(trial(Some(0.95), 0.0).is_good() && !trial(Some(0.949), 0.0).is_good());
    }
}
