//! Configs that are trained, seed by seed, within the budget.

use std::collections::BTreeMap;
use std::time::Instant;

use keel_data::SplitDataset;

use super::budget::Budget;
use super::trainings::{Trained, Trial, data_of, train};
use super::{DoctorObserver, DoctorOptions, TrainingPlace};
use crate::config::Config;
use crate::error::TrainError;
use crate::remedies::RunResult;

/// Share of the epochs a training came to in its time that is trained from then on.
const CAUTION: f64 = 0.8;

/// A config with the trainings it had, one a seed.
pub(super) struct Candidate {
    pub(super) config: Config,
    pub(super) data: SplitDataset,
    /// Description for the person who watches.
    name: String,
    /// By the distance of their seed from the first one.
    pub(super) trials: BTreeMap<u64, Trial>,
}

impl Candidate {
    /// Validation results, one a seed.
    pub(super) fn results(&self) -> Vec<RunResult> {
        self.trials.values().map(|trial| trial.validation).collect()
    }

    /// Validation results of this and of another one over those of the first `seeds` that both were trained with.
    pub(super) fn paired(&self, other: &Candidate, seeds: u64) -> [Vec<RunResult>; 2] {
        let first = || self.trials.range(..seeds);
        let both = || first().filter_map(|(seed, trial)| Some((trial, other.trials.get(seed)?)));
        [both().map(|(trial, _)| trial.validation).collect(), both().map(|(_, trial)| trial.validation).collect()]
    }

    /// The seed with the worst result, as its distance from the first one: it shows a fault that not every seed shows.
    pub(super) fn worst_seed(&self) -> u64 {
        let score = |trial: &Trial| trial.validation.score.unwrap_or(f64::NEG_INFINITY);
        let loss = |trial: &Trial| trial.validation.loss.unwrap_or(f64::INFINITY);
        let worse =
            |one: &Trial, other: &Trial| score(one).total_cmp(&score(other)).then(loss(other).total_cmp(&loss(one)));
        self.trials.iter().min_by(|(_, one), (_, other)| worse(one, other)).map_or(0, |(&seed, _)| seed)
    }

    /// The training with the worst result; `None` before the first.
    pub(super) fn worst(&self) -> Option<&Trial> {
        self.trials.get(&self.worst_seed())
    }
}

/// Why trainings end before the doctor is done.
pub(super) enum Halt {
    /// Stopped from outside.
    Stopped,
    /// Time or trainings are used up.
    Spent,
    /// A candidate cannot be trained.
    Refused(TrainError),
}

/// Trains candidates.
pub(super) struct Trainer<'a> {
    /// The config as given, with nothing left open.
    pub(super) base: Config,
    data: SplitDataset,
    options: &'a DoctorOptions,
    pub(super) observer: &'a mut dyn DoctorObserver,
    pub(super) budget: Budget,
    /// Epochs of `base` that are trained; of other configs the same share.
    pub(super) epochs: u64,
    /// Name of the score; empty until a training has one.
    pub(super) score: String,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        base: Config,
        data: SplitDataset,
        options: &'a DoctorOptions,
        observer: &'a mut dyn DoctorObserver,
    ) -> Self {
        let epochs = base.train.epochs;
        Trainer { base, data, options, observer, budget: Budget::new(options), epochs, score: String::new() }
    }

    /// Seconds of the whole budget; infinite where only trainings are counted.
    pub(super) fn seconds(&self) -> f64 {
        self.options.seconds
    }

    /// A candidate without trainings.
    ///
    /// # Errors
    /// Its data cannot be read.
    pub(super) fn candidate(&self, config: Config, name: &str) -> Result<Candidate, TrainError> {
        let data = data_of(&config, &self.base, &self.data)?;
        Ok(Candidate { config, data, name: name.to_owned(), trials: BTreeMap::new() })
    }

    /// True if the time does not allow whole trainings.
    pub(super) fn is_cut(&self) -> bool {
        self.epochs < self.base.train.epochs
    }

    /// Trains with the first seed. Where that takes too large a share of the time, all trainings are cut to the epochs that fit.
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
            let message = "not even one epoch ends in a twelfth of the time; give more with --budget, or fewer samples";
            return Err(Halt::Refused(TrainError::setting("train.epochs", message)));
        }
        self.take(candidate, 0, trained)
    }

    /// Trains with the seed that is `offset` behind the first, if that was not done, in the time that is left for the search.
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

    /// Trains with the seed that is `offset` behind the first, however long it takes.
    pub(super) fn train_whole(&mut self, candidate: &mut Candidate, offset: u64) -> Result<(), Halt> {
        let trained = self.train(candidate, offset, None)?;
        self.take(candidate, offset, trained)
    }

    fn take(&mut self, candidate: &mut Candidate, offset: u64, trained: Trained) -> Result<(), Halt> {
        match trained {
            Trained::Ended(trial) => {
                self.budget.note(trial.seconds);
                if self.score.is_empty() {
                    self.score.clone_from(&trial.score);
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

    /// The config with as large a share of its epochs as the time allows.
    fn cut(&self, config: &Config) -> Config {
        let mut config = config.clone();
        if self.is_cut() {
            let share = self.epochs as f64 / self.base.train.epochs as f64;
            config.train.epochs = ((config.train.epochs as f64 * share) as u64).max(1);
        }
        config
    }
}
