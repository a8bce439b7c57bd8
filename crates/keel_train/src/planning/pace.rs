//! How long a training will take, from a few measured steps, and how many epochs fit into a time.

use std::sync::Arc;
use std::time::Instant;

use keel_data::{Batches, Position};
use keel_nn::Graph;

use super::measured_step::{ENOUGH_SECONDS, MEASURED_STEPS, measured_steps};
use crate::auto::{Choice, Facts};
use crate::config::Config;
use crate::error::TrainError;
use crate::session::Session;

/// Steps of a training below which nothing is measured: it is over before an estimate helps.
const SHORT_TRAINING: u64 = 300;

/// Time of a sample in evaluation, as a share of its time in training.
const EVALUATION_SHARE: f64 = 0.35;

/// Seconds of a checkpoint, and bytes written in another second.
const CHECKPOINT: (f64, f64) = (0.03, 100e6);

/// Copies of the parameters in the checkpoints of an epoch: weights, two moments, their average, the best weights.
const CHECKPOINT_COPIES: f64 = 5.0;

/// Share of a time limit that is planned for; the rest is for what was not measured.
const PLANNED_SHARE: f64 = 0.88;

/// Seconds an automatic training may take where no limit is given.
const PATIENCE_SECONDS: f64 = 900.0;

/// The time of steps and epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds of a training step.
    pub step_seconds: f64,
    /// Seconds of an epoch, its validation included.
    pub epoch_seconds: f64,
}

/// Time of a training at a measured pace.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// The pace.
    pub pace: Pace,
    /// Epochs that are trained.
    pub epochs: u64,
    /// Seconds that all epochs will take.
    pub seconds: f64,
}

/// Parts of an epoch.
struct Epoch {
    steps: usize,
    /// Samples that are validated for each one that is trained on.
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
    /// Measures a few steps of `session` on its first batches without an update; running statistics are put back. `None` for
    /// a training that is over in an instant.
    ///
    /// # Errors
    /// A sample that cannot be preprocessed.
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
            // The first step meets cold caches and untouched memory.
            if step > 0 {
                seconds += began.elapsed().as_secs_f64();
                measured += 1;
            }
            // Ranks make the same number of steps, whatever their clocks say.
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

    /// Measures a few steps of a network for batches of `batch` samples with the given facts, on made-up samples and targets.
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

    /// Decides the epochs of a training that `open` describes and `config` resolves: those of `config`, or as many as fit into its time limit (a quarter of an
    /// hour where there is none), so that the schedule ends with the training; a cut is noted
    /// in `choices`.
    pub fn fit(self, config: &mut Config, open: &Config, choices: &mut Vec<Choice>) -> Timing {
        let limit = if config.train.time_limit > 0.0 { config.train.time_limit } else { PATIENCE_SECONDS };
        let fitting = (PLANNED_SHARE * limit / self.epoch_seconds).floor().max(1.0) as u64;
        let may_shorten = config.train.time_limit > 0.0 || !open.is_given("train.epochs") && open.model.is_auto();
        if may_shorten && fitting < config.train.epochs {
            let reason = format!(
                "an epoch takes {:.0} s: as many as fit into {:.0} s, so that the learning rate falls to its end",
                self.epoch_seconds.max(1.0),
                limit
            );
            config.train.epochs = fitting;
            choices.retain(|choice| choice.key != "train.epochs");
            choices.push(Choice { key: "train.epochs".to_owned(), value: fitting.to_string(), reason });
        }
        self.of(config.train.epochs)
    }

    /// Returns the seconds at the end of an epoch of so many steps: evaluation and checkpoint.
    pub fn overhead(self, steps: u64) -> f64 {
        (self.epoch_seconds - self.step_seconds * steps as f64).max(0.0)
    }

    /// Returns the time of so many epochs.
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
            // Given by hand: a patience nobody asked for does not cut it.
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
        assert_eq!(
            pace.fit(&mut config, &open, &mut Vec::new()).epochs,
            79,
            "a quarter of an hour where nothing was given"
        );
    }
}
