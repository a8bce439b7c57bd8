//! The loop of the doctor: train, take what leads, try its remedies, keep what helps, again.

use std::collections::BTreeSet;
use std::time::Duration;

use keel_data::SplitDataset;
use keel_health::{Finding, Level};

use super::advice::GROUPS;
use super::budget::Budget;
use super::intervention::Intervention;
use super::settings_changed::settings_changed;
use super::story::{Attempt, Ending, Found, Judgement, Measured, Story};
use super::trainings::{Trained, Trial, data_of, train};
use super::{DoctorObserver, DoctorOptions, FINAL_SEEDS, TrainingPlace, Treated};
use crate::check::check;
use crate::config::Config;
use crate::error::TrainError;
use crate::remedies::{Change, Comparison, RunResult};

/// Seeds over which a change is judged, and over which one is judged that is better within the spread.
const SEEDS: [usize; 2] = [3, 5];

/// Distance of the seeds of the comparison at the end from those that decide.
const FINAL_OFFSET: u64 = 1000;

/// Share of the time for each slow test before the first training, and the most seconds.
const CHECK_SHARE: f64 = 0.01;
const CHECK_SECONDS: f64 = 5.0;

/// Share of the trained epochs that are tried again after a training that ran out of time.
const CAUTION: f64 = 0.8;

/// A config with the trainings it had, one a seed.
struct Candidate {
    config: Config,
    data: SplitDataset,
    /// What it is, for whoever watches.
    name: String,
    trials: Vec<Trial>,
}

impl Candidate {
    fn results(&self) -> Vec<RunResult> {
        self.trials.iter().map(|trial| trial.validation).collect()
    }
}

/// Why the search ends before its end.
enum Halt {
    /// Stopped from outside.
    Stopped,
    /// Time or trainings are used up.
    Spent,
    /// A candidate cannot be trained.
    Refused(TrainError),
}

/// The doctor at work.
pub(super) struct Search<'a> {
    base: Config,
    data: SplitDataset,
    options: &'a DoctorOptions,
    observer: &'a mut dyn DoctorObserver,
    budget: Budget,
    story: Story,
    /// Configs that were tried.
    tried: BTreeSet<String>,
}

impl<'a> Search<'a> {
    /// Nothing done yet; nothing is left open in `base`.
    pub(super) fn new(
        base: Config,
        data: SplitDataset,
        options: &'a DoctorOptions,
        observer: &'a mut dyn DoctorObserver,
    ) -> Self {
        let story = Story {
            data: data.dataset.name().to_owned(),
            score: String::new(),
            seed: base.train.seed,
            epochs: base.train.epochs,
            trained_epochs: base.train.epochs,
            found: Vec::new(),
            first: RunResult::default(),
            attempts: Vec::new(),
            changes: Vec::new(),
            left: Vec::new(),
            start: Vec::new(),
            end: Vec::new(),
            comparison: None,
            ending: None,
            trainings: 0,
            seconds: 0.0,
        };
        let budget = Budget::new(options);
        Search { base, data, options, observer, budget, story, tried: BTreeSet::new() }
    }

    /// From the first training to the comparison at the end.
    pub(super) fn run(mut self) -> Result<Treated, TrainError> {
        let mut current = self.candidate(self.base.clone(), "the config as given")?;
        let searched = match self.first_training(&mut current) {
            Ok(()) => self.improve(&mut current),
            Err(halt) => Err(halt),
        };
        match searched {
            Err(Halt::Refused(error)) => return Err(error),
            Err(Halt::Stopped) => self.story.ending = Some(Ending::Stopped),
            Ok(()) | Err(Halt::Spent) => {}
        }
        self.story.left = current.trials.first().map(|trial| Found::causes(&trial.findings)).unwrap_or_default();
        if self.story.ending.is_none() {
            self.conclude(&current)?;
        }
        self.tell(&current.config);
        Ok(Treated { story: self.story, config: current.config })
    }

    fn candidate(&self, config: Config, name: &str) -> Result<Candidate, TrainError> {
        let data = data_of(&config, &self.base, &self.data)?;
        Ok(Candidate { config, data, name: name.to_owned(), trials: Vec::new() })
    }

    /// Trains the config as given with the first seed. Where that takes too large a share of the time, all trainings are cut to
    /// the epochs that fit.
    fn first_training(&mut self, current: &mut Candidate) -> Result<(), Halt> {
        let limited = self.options.seconds.is_finite();
        let deadline = limited.then(|| self.budget.first_deadline());
        match self.train_by(current, 0, deadline)? {
            Trained::OutOfTime(0) => {
                let message =
                    "not even one epoch ends in a twelfth of the time; give more with --budget, or fewer samples";
                return Err(Halt::Refused(TrainError::setting("train.epochs", message)));
            }
            Trained::OutOfTime(epochs) => {
                self.story.trained_epochs = ((epochs as f64 * CAUTION) as u64).max(1);
                match self.train_by(current, 0, None)? {
                    Trained::Ended(trial) => self.take(current, *trial),
                    Trained::Refused(error) => return Err(Halt::Refused(error)),
                    Trained::OutOfTime(_) | Trained::Stopped => return Err(Halt::Stopped),
                }
            }
            Trained::Ended(trial) => self.take(current, *trial),
            Trained::Refused(error) => return Err(Halt::Refused(error)),
            Trained::Stopped => return Err(Halt::Stopped),
        }
        let trial = &current.trials[0];
        self.story.first = trial.validation;
        self.story.found = Found::causes(&trial.findings);
        self.preflight(current);
        self.tell(&current.config);
        Ok(())
    }

    /// Adds what the tests before a training find and the training did not.
    fn preflight(&mut self, current: &Candidate) {
        let seconds = (CHECK_SHARE * self.options.seconds).min(CHECK_SECONDS);
        let Ok(checked) = check(&current.config, current.data.clone(), Duration::from_secs_f64(seconds)) else {
            return;
        };
        for found in Found::causes(&checked.findings) {
            if self.story.found.iter().all(|known| known.code != found.code) {
                self.story.found.push(found);
            }
        }
    }

    /// Changes the config until nothing of level warn is left or nothing helps.
    fn improve(&mut self, current: &mut Candidate) -> Result<(), Halt> {
        self.tried.insert(key(&current.config));
        let ill = !self.story.found.is_empty() || current.trials[0].is_poor();
        loop {
            if self.treat_findings(current, |level| level > Level::Info)? {
                continue;
            }
            let trial = &current.trials[0];
            if !ill && !trial.still_improves() {
                return Ok(());
            }
            let remarks = ill && self.treat_findings(current, |level| level == Level::Info)?;
            if remarks || self.follow_advice(current, ill)? {
                continue;
            }
            return Ok(());
        }
    }

    /// Tries the remedies of one finding after the other, causes first, until a change is kept.
    fn treat_findings(&mut self, current: &mut Candidate, level: fn(Level) -> bool) -> Result<bool, Halt> {
        let findings: Vec<Finding> = current.trials[0].findings.clone();
        for finding in findings.iter().filter(|finding| finding.is_root() && level(finding.level)) {
            let remedies = Intervention::remedies(&current.config, finding);
            if self.try_group(current, remedies)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tries one group of advice after the other until a change is kept; of a training that is not `ill`, its length alone.
    fn follow_advice(&mut self, current: &mut Candidate, ill: bool) -> Result<bool, Halt> {
        let lengthens = current.trials[0].still_improves() && !self.is_cut();
        for group in GROUPS.iter().filter(|group| if group.lengthens { lengthens } else { ill }) {
            let advice = (group.changes)(&current.config, &current.data);
            if self.try_group(current, advice)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True if the time does not allow whole trainings.
    fn is_cut(&self) -> bool {
        self.story.trained_epochs < self.story.epochs
    }

    /// Trains each change once, and those that look better over the seeds, the best first; keeps the first that is better beyond
    /// the spread.
    fn try_group(&mut self, current: &mut Candidate, group: Vec<Intervention>) -> Result<bool, Halt> {
        let mut promising: Vec<(usize, Candidate)> = Vec::new();
        for intervention in group {
            let mut attempt = intervention.attempt(&current.config);
            match self.look(current, intervention, &mut attempt)? {
                Some(candidate) => promising.push((self.story.attempts.len(), candidate)),
                None if attempt.without.is_empty() && attempt.refusal.is_none() => continue,
                None => {}
            }
            self.story.attempts.push(attempt);
            self.tell(&current.config);
        }
        promising.sort_by(|(_, one), (_, other)| gain_of(current, other).total_cmp(&gain_of(current, one)));
        let mut promising = promising.into_iter();
        while let Some((index, mut candidate)) = promising.next() {
            let better = self.is_better(current, &mut candidate)?;
            let count = candidate.trials.len().min(current.trials.len());
            let attempt = &mut self.story.attempts[index];
            attempt.without = current.results()[..count].to_vec();
            attempt.with = candidate.results()[..count].to_vec();
            attempt.judgement = if better { Judgement::Helped } else { Judgement::WithinSpread };
            if better {
                promising.by_ref().for_each(|(index, _)| self.story.attempts[index].judgement = Judgement::Outdone);
                self.story.changes = settings_changed(&self.base, &candidate.config);
                *current = candidate;
            }
            self.tell(&current.config);
            if better {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Trains a change with the first seed; the candidate if it looks better.
    fn look(
        &mut self,
        current: &Candidate,
        intervention: Intervention,
        attempt: &mut Attempt,
    ) -> Result<Option<Candidate>, Halt> {
        let refuse = |attempt: &mut Attempt, reason: String| {
            attempt.judgement = Judgement::Refused;
            attempt.refusal = Some(reason);
        };
        let config = match intervention.config {
            Ok(config) => config,
            Err(reason) => {
                refuse(attempt, reason);
                return Ok(None);
            }
        };
        if !self.tried.insert(key(&config)) {
            return Ok(None);
        }
        if !self.budget.allows(1) {
            return Err(Halt::Spent);
        }
        let mut candidate = match self.candidate(config, &intervention.change) {
            Ok(candidate) => candidate,
            Err(error) => {
                refuse(attempt, error.to_string());
                return Ok(None);
            }
        };
        match self.train_next(&mut candidate) {
            Ok(()) => {}
            Err(Halt::Refused(error)) => {
                refuse(attempt, error.to_string());
                return Ok(None);
            }
            Err(halt) => return Err(halt),
        }
        attempt.without = vec![current.trials[0].validation];
        attempt.with = candidate.results();
        let comparison = Comparison::of(&attempt.without, &attempt.with);
        Ok(looks_better(&comparison).then_some(candidate))
    }

    /// Compares over the seeds; over more of them where the mean is better within the spread.
    fn is_better(&mut self, current: &mut Candidate, candidate: &mut Candidate) -> Result<bool, Halt> {
        for seeds in SEEDS {
            for side in [&mut *current, &mut *candidate] {
                while side.trials.len() < seeds {
                    if !self.budget.allows(1) {
                        return Err(Halt::Spent);
                    }
                    self.train_next(side)?;
                }
            }
            let comparison = Comparison::of(&current.results(), &candidate.results()[..seeds]);
            match comparison.change {
                Change::Better => return Ok(true),
                Change::Worse => return Ok(false),
                Change::Same if !looks_better(&comparison) => return Ok(false),
                Change::Same => {}
            }
        }
        Ok(false)
    }

    /// Trains with the next seed, in the time that is left for the search.
    fn train_next(&mut self, candidate: &mut Candidate) -> Result<(), Halt> {
        let deadline = self.options.seconds.is_finite().then(|| self.budget.search_deadline());
        let seed = candidate.trials.len() as u64;
        match self.train_by(candidate, seed, deadline)? {
            Trained::Ended(trial) => {
                self.take(candidate, *trial);
                Ok(())
            }
            Trained::Refused(error) => Err(Halt::Refused(error)),
            Trained::OutOfTime(_) => Err(Halt::Spent),
            Trained::Stopped => Err(Halt::Stopped),
        }
    }

    fn take(&mut self, candidate: &mut Candidate, trial: Trial) {
        self.budget.note(trial.seconds);
        if self.story.score.is_empty() {
            self.story.score.clone_from(&trial.score);
        }
        candidate.trials.push(trial);
    }

    /// Trains the candidate with the seed that is `offset` behind the first.
    fn train_by(
        &mut self,
        candidate: &Candidate,
        offset: u64,
        deadline: Option<std::time::Instant>,
    ) -> Result<Trained, Halt> {
        let seed = self.story.seed + offset;
        self.budget.used += 1;
        self.observer.training(&TrainingPlace {
            number: self.budget.used,
            what: &candidate.name,
            seed,
            seconds_left: self.budget.seconds_left(),
            trainings_left: self.budget.trainings_left(),
        });
        let config = self.cut(&candidate.config);
        match train(&config, &candidate.data, seed, deadline, self.options) {
            Trained::Stopped => Err(Halt::Stopped),
            trained => Ok(trained),
        }
    }

    /// The config with as large a share of its epochs as the time allows.
    fn cut(&self, config: &Config) -> Config {
        let mut config = config.clone();
        if self.is_cut() {
            let share = self.story.trained_epochs as f64 / self.story.epochs as f64;
            config.train.epochs = ((config.train.epochs as f64 * share) as u64).max(1);
        }
        config
    }

    /// Compares the end with the start over seeds that decided nothing, and says how it ended.
    fn conclude(&mut self, current: &Candidate) -> Result<(), TrainError> {
        if self.story.changes.is_empty() {
            let healthy = self.story.found.is_empty() && current.trials.first().is_some_and(|trial| !trial.is_poor());
            self.story.start =
                current.trials.first().map(|trial| measured(self.story.seed, trial)).into_iter().collect();
            self.story.ending = Some(if healthy { Ending::Healthy } else { Ending::NothingHelped });
            return Ok(());
        }
        let mut start = self.candidate(self.base.clone(), "the start, for the comparison")?;
        let mut end = self.candidate(current.config.clone(), "the end, for the comparison")?;
        for offset in FINAL_OFFSET..FINAL_OFFSET + FINAL_SEEDS {
            for (side, measurements) in [(&mut start, 0), (&mut end, 1)] {
                let trial = match self.train_by(side, offset, None) {
                    Ok(Trained::Ended(trial)) => trial,
                    Ok(Trained::Refused(error)) | Err(Halt::Refused(error)) => return Err(error),
                    Ok(_) | Err(_) => {
                        self.story.ending = Some(Ending::Stopped);
                        return Ok(());
                    }
                };
                let measured = measured(self.story.seed + offset, &trial);
                if measurements == 0 {
                    self.story.start.push(measured)
                } else {
                    self.story.end.push(measured)
                }
                self.take(side, *trial);
            }
        }
        let comparison = Comparison::of(&start.results(), &end.results());
        self.story.comparison = Some(comparison);
        let better = comparison.change == Change::Better;
        self.story.ending = Some(if better { Ending::Better } else { Ending::NotBetter });
        Ok(())
    }

    fn tell(&mut self, config: &Config) {
        self.story.trainings = self.budget.used;
        self.story.seconds = self.budget.elapsed();
        self.observer.story(&self.story, config);
    }
}

fn measured(seed: u64, trial: &Trial) -> Measured {
    Measured { seed, validation: trial.validation, test: trial.test }
}

/// True if the mean is better by the share that a change over several seeds must have, whatever the spread.
fn looks_better(comparison: &Comparison) -> bool {
    let Comparison { score, loss, .. } = comparison;
    score.mean > score.least || score.mean >= -score.least && loss.mean > loss.least
}

/// Gain over `current` with the first seed: of the score, and of the loss where the scores are equal.
fn gain_of(current: &Candidate, candidate: &Candidate) -> f64 {
    let [without, with] = [current, candidate].map(|side| side.trials[0].validation);
    let Comparison { score, loss, .. } = Comparison::of(&[without], &[with]);
    score.mean + 1e-3 * loss.mean
}

/// Text that two configs share exactly if they train the same network.
fn key(config: &Config) -> String {
    config.fingerprint()
}
