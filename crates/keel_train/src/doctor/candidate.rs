//! Configs that are trained, seed by seed, within the budget.

use std::collections::BTreeMap;
use std::time::Instant;

use keel_data::SplitDataset;

use super::budget::Budget;
use super::trainings::{Trained, Trial, data_of, train};
use super::{DoctorObserver, DoctorOptions, TrainingPlace};
use crate::config::Config;
use crate::error::TrainError;
use crate::metrics::MetricName;
use crate::remedies::RunResult;

/// Fraction of the epochs that a training run completed in its time to which later ones are limited.
const CAUTION: f64 = 0.8;

/// A config with its training runs, one per seed.
pub(super) struct Candidate {
    pub(super) config: Config,
    pub(super) data: SplitDataset,
    /// Description for the user.
    name: String,
    /// Results by the offset of the seed from the first one.
    pub(super) trials: BTreeMap<u64, Trial>,
}

impl Candidate {
    /// Returns the validation results, one per seed.
    pub(super) fn results(&self) -> Vec<RunResult> {
        self.trials.values().map(|trial| trial.validation).collect()
    }

    /// Returns the validation results of this and of another candidate for those of the first `seeds` seeds with which both
    /// were trained.
    pub(super) fn paired(&self, other: &Candidate, seeds: u64) -> [Vec<RunResult>; 2] {
        let first = || self.trials.range(..seeds);
        let both = || first().filter_map(|(seed, trial)| Some((trial, other.trials.get(seed)?)));
        [both().map(|(trial, _)| trial.validation).collect(), both().map(|(_, trial)| trial.validation).collect()]
    }

    /// Returns the seed with the worst result, as its offset from the first one: it shows a fault that not every seed shows.
    pub(super) fn worst_seed(&self) -> u64 {
        let score = |trial: &Trial| trial.validation.score.unwrap_or(f64::NEG_INFINITY);
        let loss = |trial: &Trial| trial.validation.loss.unwrap_or(f64::INFINITY);
        let worse =
            |one: &Trial, other: &Trial| score(one).total_cmp(&score(other)).then(loss(other).total_cmp(&loss(one)));
        self.trials.iter().min_by(|(_, one), (_, other)| worse(one, other)).map_or(0, |(&seed, _)| seed)
    }

    /// Returns the training run with the worst result; `None` before the first one.
    pub(super) fn worst(&self) -> Option<&Trial> {
        self.trials.get(&self.worst_seed())
    }
}

/// Reason why training runs end before the doctor is done.
pub(super) enum Halt {
    /// Stopped by the user.
    Stopped,
    /// Time or number of training runs is used up.
    Spent,
    /// A candidate cannot be trained.
    Refused(TrainError),
}

/// Trains candidates.
pub(super) struct Trainer<'a> {
    /// Config as given, with all settings resolved.
    pub(super) base: Config,
    data: SplitDataset,
    options: &'a DoctorOptions,
    pub(super) observer: &'a mut dyn DoctorObserver,
    pub(super) budget: Budget,
    /// Number of epochs of `base` that are trained; of other configs the same fraction.
    pub(super) epochs: u64,
    /// Metric of the score; `None` until a training run has one.
    pub(super) metric: Option<MetricName>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        base: Config,
        data: SplitDataset,
        options: &'a DoctorOptions,
        observer: &'a mut dyn DoctorObserver,
    ) -> Self {
        let epochs = base.train.epochs;
        Trainer { base, data, options, observer, budget: Budget::new(options), epochs, metric: None }
    }

    /// Returns the seconds of the whole budget; infinite if only training runs are limited.
    pub(super) fn seconds(&self) -> f64 {
        self.options.seconds
    }

    /// Creates a candidate without training runs.
    ///
    /// # Errors
    /// If its data cannot be read.
    pub(super) fn candidate(&self, config: Config, name: &str) -> Result<Candidate, TrainError> {
        let data = data_of(&config, &self.base, &self.data)?;
        Ok(Candidate { config, data, name: name.to_owned(), trials: BTreeMap::new() })
    }

    /// Returns true if the time does not allow complete training runs.
    pub(super) fn is_cut(&self) -> bool {
        self.epochs < self.base.train.epochs
    }

    /// Trains with the first seed. If that takes too large a fraction of the time, all training runs are shortened to the
    /// epochs that fit.
    pub(super) fn train_first(&mut self, candidate: &mut Candidate) -> Result<(), Halt> {
        let deadline = self.seconds().is_finite().then(|| self.budget.first_deadline());
        let trained = match self.train(candidate, 0, deadline)? {
            Trained::OutOfTime(epochs) if epochs > 0 => {
                self.epochs = ((epochs as f64 * CAUTION) as u64).max(1);
                self.train(candidate, 0, None)?
            }
            trained => trained,
        };
        if let Trained::OutOfTime(_) = trained {
            let message = "not a single epoch fits into a twelfth of the time; raise --budget, or use fewer samples";
            return Err(Halt::Refused(TrainError::setting("train.epochs", message)));
        }
        self.take(candidate, 0, trained)
    }

    /// Trains with the seed at `offset` from the first, unless that was done, in the remaining time of the search.
    pub(super) fn train_seed(&mut self, candidate: &mut Candidate, offset: u64) -> Result<(), Halt> {
        if candidate.trials.contains_key(&offset) {
            return Ok(());
        }
        if !self.budget.allows(1) {
            return Err(Halt::Spent);
        }
        let deadline = self.seconds().is_finite().then(|| self.budget.search_deadline());
        let trained = self.train(candidate, offset, deadline)?;
        self.take(candidate, offset, trained)
    }

    /// Trains with the seed at `offset` from the first, without a time limit.
    pub(super) fn train_whole(&mut self, candidate: &mut Candidate, offset: u64) -> Result<(), Halt> {
        let trained = self.train(candidate, offset, None)?;
        self.take(candidate, offset, trained)
    }

    fn take(&mut self, candidate: &mut Candidate, offset: u64, trained: Trained) -> Result<(), Halt> {
        match trained {
            Trained::Ended(trial) => {
                self.budget.note(trial.seconds);
                if self.metric.is_none() {
                    self.metric = trial.metric;
                }
                candidate.trials.insert(offset, *trial);
                Ok(())
            }
            Trained::Refused(error) => Err(Halt::Refused(error)),
            Trained::OutOfTime(_) => Err(Halt::Spent),
            Trained::Stopped => Err(Halt::Stopped),
        }
    }

    fn train(&mut self, candidate: &Candidate, offset: u64, deadline: Option<Instant>) -> Result<Trained, Halt> {
        let seed = self.base.train.seed + offset;
        self.budget.used += 1;
        self.observer.training(&TrainingPlace {
            number: self.budget.used,
            what: &candidate.name,
            seed,
            seconds_left: self.budget.seconds_left(),
            trainings_left: self.budget.trainings_left(),
        });
        match train(&self.cut(&candidate.config), &candidate.data, seed, deadline, self.options) {
            Trained::Stopped => Err(Halt::Stopped),
            trained => Ok(trained),
        }
    }

    /// Returns the config with the fraction of its epochs that the time allows.
    fn cut(&self, config: &Config) -> Config {
        let mut config = config.clone();
        if self.is_cut() {
            let share = self.epochs as f64 / self.base.train.epochs as f64;
            config.train.epochs = ((config.train.epochs as f64 * share) as u64).max(1);
        }
        config
    }
}
