//! Duration of a training run, from a few measured steps, and the number of epochs that fit into a time limit.

use std::sync::Arc;
use std::time::Instant;

use keel_data::{Batches, Position};
use keel_nn::Graph;

use super::measured_step::{ENOUGH_SECONDS, MEASURED_STEPS, measured_steps};
use crate::auto::{Choice, Facts, TrainingReason};
use crate::config::Config;
use crate::error::TrainError;
use crate::session::Session;

/// Number of steps of a training run below which nothing is measured: it is over before an estimate helps.
const SHORT_TRAINING: u64 = 300;

/// Time of a sample in evaluation, relative to its time in training.
const EVALUATION_SHARE: f64 = 0.35;

/// Seconds of a checkpoint, and the number of bytes written per additional second.
const CHECKPOINT: (f64, f64) = (0.03, 100e6);

/// Number of copies of the parameters in the checkpoints of an epoch: weights, two moments, their average, the best weights.
const CHECKPOINT_COPIES: f64 = 5.0;

/// Fraction of a time limit that is planned for; the rest is for what was not measured.
const PLANNED_SHARE: f64 = 0.88;

/// Maximum seconds of an automatic training run without a given limit.
const PATIENCE_SECONDS: f64 = 900.0;

/// Duration of steps and epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds of a training step.
    pub step_seconds: f64,
    /// Seconds of an epoch, including validation.
    pub epoch_seconds: f64,
}

/// Duration of a training run at a measured pace.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Measured pace.
    pub pace: Pace,
    /// Number of epochs.
    pub epochs: u64,
    /// Seconds of all epochs.
    pub seconds: f64,
}

/// Parts of an epoch.
struct Epoch {
    steps: usize,
    /// Number of samples that are validated per training sample.
    evaluated: f64,
    parameters: usize,
}

impl Epoch {
    fn pace(&self, step_seconds: f64, config: &Config) -> Pace {
        let views = if config.train.mirrored_evaluation { 2.0 } else { 1.0 };
        let views = if config.train.shifted_evaluation > 0 { 3.0 * views } else { views };
        let (each, bytes_per_second) = CHECKPOINT;
        let written = CHECKPOINT_COPIES * (self.parameters * size_of::<f32>()) as f64;
        let trained = step_seconds * self.steps as f64 * (1.0 + EVALUATION_SHARE * views * self.evaluated);
        Pace { step_seconds, epoch_seconds: trained + each + written / bytes_per_second }
    }
}

impl Pace {
    /// Measures a few steps of `session` on its first batches without an update; running statistics are restored. `None` for a
    /// training run that takes only a moment.
    ///
    /// # Errors
    /// If a sample cannot be preprocessed.
    pub fn measure(session: &mut Session, config: &Config) -> Result<Option<Pace>, TrainError> {
        let ranks = session.ranks().clone();
        let source = session.training_batches().clone().with_share(ranks.share());
        let steps_per_epoch = source.steps_per_epoch();
        if config.train.epochs.saturating_mul(steps_per_epoch as u64) < SHORT_TRAINING {
            return Ok(None);
        }
        let state = session.network().state.to_vec();
        let mut batches = Batches::new(source, Position::default());
        let (mut seconds, mut measured) = (0.0, 0);
        for step in 0..=MEASURED_STEPS.min(steps_per_epoch.saturating_sub(1)) {
            let began = Instant::now();
            let Some(batch) = batches.next() else { break };
            session.gradient(batch?, u64::MAX - step as u64, &mut ());
            // The first step has cold caches and untouched memory.
            if step > 0 {
                seconds += began.elapsed().as_secs_f64();
                measured += 1;
            }
            // All ranks take the same number of steps, regardless of their clocks.
            if seconds > ENOUGH_SECONDS && ranks.share().size == 1 {
                break;
            }
        }
        session.check_ranks()?;
        session.network_mut().state.copy_from_slice(&state);
        if measured == 0 {
            return Ok(None);
        }
        let data = session.data();
        let epoch = Epoch {
            steps: steps_per_epoch,
            evaluated: data.validation.len() as f64 / data.train.len().max(1) as f64,
            parameters: session.network().graph.parameter_length(),
        };
        let slowest = ranks.gather_numbers(&[seconds])?.into_iter().flatten().fold(0.0, f64::max);
        let step_seconds = slowest / f64::from(measured);
        Ok(Some(epoch.pace(step_seconds, config)))
    }

    /// Measures a few steps of a network for batches of `batch` samples with the given facts, on synthetic samples and targets.
    pub fn of_network(graph: &Arc<Graph>, batch: usize, facts: &Facts, config: &Config) -> Option<Pace> {
        let samples = facts.training_samples(config);
        let steps_per_epoch = samples.div_ceil(batch.max(1));
        if config.train.epochs.saturating_mul(steps_per_epoch as u64) < SHORT_TRAINING {
            return None;
        }
        let measured = measured_steps(graph, batch, None);
        let step_seconds = measured.iter().map(|step| step.total()).sum::<f64>() / measured.len() as f64;
        let [train, validation, _] = facts.parts;
        let evaluated = if validation > 0 { validation as f64 / train as f64 } else { config.data.validation };
        let epoch = Epoch { steps: steps_per_epoch, evaluated, parameters: graph.parameter_length() };
        Some(epoch.pace(step_seconds, config))
    }

    /// Determines the number of epochs of a training run that `open` describes and `config` resolves: that of `config`, or as
    /// many as fit into its time limit (a quarter of an hour by default), so that the schedule ends with the training run; a
    /// reduction is recorded in `choices`.
    pub fn fit(self, config: &mut Config, open: &Config, choices: &mut Vec<Choice>) -> Timing {
        let limit = if config.train.time_limit > 0.0 { config.train.time_limit } else { PATIENCE_SECONDS };
        let fitting = (PLANNED_SHARE * limit / self.epoch_seconds).floor().max(1.0) as u64;
        let may_shorten = config.train.time_limit > 0.0 || !open.is_given("train.epochs") && open.model.is_auto();
        if may_shorten && fitting < config.train.epochs {
            let reason = TrainingReason::TimeLimit { epoch_seconds: self.epoch_seconds, limit_seconds: limit };
            config.train.epochs = fitting;
            choices.retain(|choice| choice.key != "train.epochs");
            choices.push(Choice::new("train.epochs", fitting.to_string(), reason));
        }
        self.of(config.train.epochs)
    }

    /// Returns the seconds at the end of an epoch with `steps` steps: evaluation and checkpoint.
    pub fn overhead(self, steps: u64) -> f64 {
        (self.epoch_seconds - self.step_seconds * steps as f64).max(0.0)
    }

    /// Returns the duration of `epochs` epochs.
    pub fn of(self, epochs: u64) -> Timing {
        Timing { pace: self, epochs, seconds: epochs as f64 * self.epoch_seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_cut_to_the_limit_and_only_where_nobody_gave_them() {
        let pace = Pace { step_seconds: 0.01, epoch_seconds: 10.0 };
        let config = |limit: f64, epochs: u64| {
            let mut config = Config::default();
            (config.train.time_limit, config.train.epochs) = (limit, epochs);
            config
        };
        let cases = [
            (config(0.0, 20), 20),
            (config(100.0, 20), 8),
            (config(100.0, 5), 5),
            (config(1.0, 20), 1),
            // If the epochs are given, the default time limit does not reduce them.
            (config(0.0, 500), 500),
        ];
        for (open, epochs) in cases {
            let mut config = open.clone();
            let mut choices = Vec::new();
            let timing = pace.fit(&mut config, &open, &mut choices);
            assert_eq!((timing.epochs, config.train.epochs), (epochs, epochs), "{:?}", open.train);
            assert_eq!(choices.len(), usize::from(epochs != open.train.epochs));
            assert!((timing.seconds - 10.0 * epochs as f64).abs() < 1e-9);
        }
        let open = Config::default();
        let mut config = open.clone();
        config.train.epochs = 500;
        assert_eq!(pace.fit(&mut config, &open, &mut Vec::new()).epochs, 79, "a quarter of an hour by default");
    }
}
