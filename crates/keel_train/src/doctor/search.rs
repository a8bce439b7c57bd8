//! The loop of the doctor: train, take the leading finding, try its remedies, keep what helps, repeat.

use std::collections::BTreeSet;
use std::time::Duration;

use keel_data::SplitDataset;
use keel_health::{Finding, Level};

use super::advice::{GROUPS, Occasion};
use super::candidate::{Candidate, Halt, Trainer};
use super::intervention::Intervention;
use super::settings_changed::settings_changed;
use super::story::{Attempt, Ending, Found, Judgement, Measured, Story};
use super::trainings::Trial;
use super::{DoctorObserver, DoctorOptions, FINAL_SEEDS, Treated};
use crate::check::check;
use crate::config::Config;
use crate::error::TrainError;
use crate::remedies::{Change, Comparison};

/// Number of seeds over which a change is compared, and over which it is compared again if it is better within the spread.
const SEEDS: [u64; 2] = [3, 5];

/// Offset of the seeds of the final comparison from those used for decisions.
const FINAL_OFFSET: u64 = 1000;

/// Fraction of the time for each slow test before the first training run, and the maximum number of seconds.
const CHECK_SHARE: f64 = 0.01;
const CHECK_SECONDS: f64 = 5.0;

/// State of the doctor.
pub(super) struct Search<'a> {
    trainer: Trainer<'a>,
    story: Story,
    /// Fingerprints of the configs that were tried.
    tried: BTreeSet<String>,
}

impl<'a> Search<'a> {
    /// Creates the initial state; all settings of `base` are resolved.
    pub(super) fn new(
        base: Config,
        data: SplitDataset,
        options: &'a DoctorOptions,
        observer: &'a mut dyn DoctorObserver,
    ) -> Self {
        let story = Story::begun(&base, data.dataset.name());
        Search { trainer: Trainer::new(base, data, options, observer), story, tried: BTreeSet::new() }
    }

    /// Runs everything from the first training run to the final comparison.
    pub(super) fn run(mut self) -> Result<Treated, TrainError> {
        let mut current = self.trainer.candidate(self.trainer.base.clone(), "the config as given")?;
        let searched = match self.begin(&mut current) {
            Ok(()) => self.improve(&mut current),
            Err(halt) => Err(halt),
        };
        match searched {
            Err(Halt::Refused(error)) => return Err(error),
            Err(Halt::Stopped) => self.story.ending = Some(Ending::Stopped),
            Ok(()) | Err(Halt::Spent) => {}
        }
        self.story.left = current.worst().map(|trial| Found::causes(&trial.findings)).unwrap_or_default();
        if self.story.ending.is_none() {
            self.conclude(&current)?;
        }
        self.report(&current.config);
        Ok(Treated { story: self.story, config: current.config })
    }

    /// Trains and checks the given config.
    fn begin(&mut self, current: &mut Candidate) -> Result<(), Halt> {
        self.trainer.train_first(current)?;
        self.story.trained_epochs = self.trainer.epochs;
        if let Some(trial) = current.worst() {
            self.story.first = trial.validation;
            self.story.found = Found::causes(&trial.findings);
        }
        self.preflight(current);
        self.report(&current.config);
        Ok(())
    }

    /// Adds the findings of the pre-flight tests that the training run did not report.
    fn preflight(&mut self, current: &Candidate) {
        let seconds = (CHECK_SHARE * self.trainer.seconds()).min(CHECK_SECONDS);
        let checked = check(&current.config, current.data.clone(), Duration::from_secs_f64(seconds));
        for found in Found::causes(&checked.map(|checked| checked.findings).unwrap_or_default()) {
            if self.story.found.iter().all(|known| known.code != found.code) {
                self.story.found.push(found);
            }
        }
    }

    /// Changes the config until no finding of level warn is left or nothing helps.
    fn improve(&mut self, current: &mut Candidate) -> Result<(), Halt> {
        self.tried.insert(current.config.fingerprint());
        let began_ill = !self.story.found.is_empty() || current.worst().is_none_or(Trial::is_poor);
        loop {
            if self.treat_findings(current, |level| level > Level::Info)? {
                continue;
            }
            // A good result needs no advice beyond the remedies of its findings.
            if current.trials.values().all(Trial::is_good) {
                return Ok(());
            }
            let remarks = began_ill && self.treat_findings(current, |level| level == Level::Info)?;
            if !remarks && !self.follow_advice(current, began_ill)? {
                return Ok(());
            }
        }
    }

    /// Tries the remedies of the findings, causes first, those of one code together, until a change is kept.
    fn treat_findings(&mut self, current: &mut Candidate, level: fn(Level) -> bool) -> Result<bool, Halt> {
        let findings: Vec<Finding> = current.worst().map(|trial| trial.findings.clone()).unwrap_or_default();
        let causes: Vec<&Finding> =
            findings.iter().filter(|finding| finding.is_root() && level(finding.level)).collect();
        let mut codes: Vec<&str> = Vec::new();
        for Finding { code, .. } in &causes {
            if !codes.contains(&code.as_str()) {
                codes.push(code);
            }
        }
        for code in codes {
            let of_code: Vec<&Finding> = causes.iter().filter(|finding| finding.code == code).copied().collect();
            let remedies = Intervention::remedies(&current.config, &of_code);
            if self.try_group(current, remedies)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tries one group of advice after the other until a change is kept. A training run that is not `ill` is at most extended.
    fn follow_advice(&mut self, current: &mut Candidate, ill: bool) -> Result<bool, Halt> {
        let improves = current.worst().is_some_and(Trial::still_improves);
        let whole = !self.trainer.is_cut();
        let fits = |occasion: Occasion| match occasion {
            Occasion::Fault => ill,
            Occasion::TooShort => whole && (improves || ill),
            Occasion::LastResort => whole && ill,
        };
        for group in GROUPS.iter().filter(|group| fits(group.occasion)) {
            let advice = (group.changes)(&current.config, &current.data);
            if self.try_group(current, advice)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Trains each change once, and those that look better over the seeds, the best first; keeps the first that is better
    /// beyond the spread.
    fn try_group(&mut self, current: &mut Candidate, group: Vec<Intervention>) -> Result<bool, Halt> {
        let mut promising: Vec<(usize, Candidate)> = Vec::new();
        for intervention in group {
            let mut attempt = intervention.attempt(&current.config);
            match self.look(current, intervention, &mut attempt)? {
                Look::Promising(candidate) => {
                    attempt.judgement = Judgement::Promising;
                    promising.push((self.story.attempts.len(), *candidate));
                }
                Look::Known => continue,
                Look::Over => {}
            }
            self.story.attempts.push(attempt);
            self.report(&current.config);
        }
        promising.sort_by(|(_, one), (_, other)| gain_of(current, other).total_cmp(&gain_of(current, one)));
        let mut promising = promising.into_iter();
        while let Some((index, mut candidate)) = promising.next() {
            let better = self.is_better(current, &mut candidate)?;
            let attempt = &mut self.story.attempts[index];
            [attempt.without, attempt.with] = current.paired(&candidate, u64::MAX);
            attempt.judgement = if better { Judgement::Helped } else { Judgement::WithinSpread };
            if better {
                promising.by_ref().for_each(|(index, _)| self.story.attempts[index].judgement = Judgement::Outdone);
                self.story.changes = settings_changed(&self.trainer.base, &candidate.config);
                *current = candidate;
            }
            self.report(&current.config);
            if better {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Trains a change with the seed that had the worst result without it.
    fn look(&mut self, current: &Candidate, intervention: Intervention, attempt: &mut Attempt) -> Result<Look, Halt> {
        let refuse = |attempt: &mut Attempt, reason: String| {
            attempt.judgement = Judgement::Refused;
            attempt.refusal = Some(reason);
            Ok(Look::Over)
        };
        let config = match intervention.config {
            Ok(config) => config,
            Err(reason) => return refuse(attempt, reason),
        };
        if !self.tried.insert(config.fingerprint()) {
            return Ok(Look::Known);
        }
        let mut candidate = match self.trainer.candidate(config, &intervention.change) {
            Ok(candidate) => candidate,
            Err(error) => return refuse(attempt, error.to_string()),
        };
        match self.trainer.train_seed(&mut candidate, current.worst_seed()) {
            Err(Halt::Refused(error)) => return refuse(attempt, error.to_string()),
            other => other?,
        }
        [attempt.without, attempt.with] = current.paired(&candidate, u64::MAX);
        let comparison = Comparison::of(&attempt.without, &attempt.with);
        Ok(if looks_better(&comparison) { Look::Promising(Box::new(candidate)) } else { Look::Over })
    }

    /// Compares over the seeds; over more of them if the mean is better within the spread.
    fn is_better(&mut self, current: &mut Candidate, candidate: &mut Candidate) -> Result<bool, Halt> {
        for seeds in SEEDS {
            for side in [&mut *current, &mut *candidate] {
                for offset in 0..seeds {
                    self.trainer.train_seed(side, offset)?;
                }
            }
            let [without, with] = current.paired(candidate, seeds);
            let comparison = Comparison::of(&without, &with);
            match comparison.change {
                Change::Better => return Ok(true),
                Change::Worse => return Ok(false),
                Change::Same if !looks_better(&comparison) => return Ok(false),
                Change::Same => {}
            }
        }
        Ok(false)
    }

    /// Compares the final config with the initial one over seeds that were not used for decisions, and records the outcome.
    fn conclude(&mut self, current: &Candidate) -> Result<(), TrainError> {
        if self.story.changes.is_empty() {
            let healthy = self.story.found.is_empty() && current.worst().is_some_and(|trial| !trial.is_poor());
            self.story.start = all(self.story.seed, current).into_iter().take(1).collect();
            self.story.ending = Some(if healthy { Ending::Healthy } else { Ending::NothingHelped });
            return Ok(());
        }
        let mut start = self.trainer.candidate(self.trainer.base.clone(), "the start, for the comparison")?;
        let mut end = self.trainer.candidate(current.config.clone(), "the end, for the comparison")?;
        for offset in FINAL_OFFSET..FINAL_OFFSET + FINAL_SEEDS {
            for side in [&mut start, &mut end] {
                match self.trainer.train_whole(side, offset) {
                    Ok(()) => {}
                    Err(Halt::Refused(error)) => return Err(error),
                    Err(Halt::Stopped | Halt::Spent) => {
                        self.story.ending = Some(Ending::Stopped);
                        return Ok(());
                    }
                }
            }
        }
        (self.story.start, self.story.end) = (all(self.story.seed, &start), all(self.story.seed, &end));
        let comparison = Comparison::of(&start.results(), &end.results());
        self.story.comparison = Some(comparison);
        let better = comparison.change == Change::Better;
        self.story.ending = Some(if better { Ending::Better } else { Ending::NotBetter });
        Ok(())
    }

    fn report(&mut self, config: &Config) {
        self.story.metric = self.trainer.metric;
        self.story.score = self.trainer.metric.map(|metric| metric.title().to_owned()).unwrap_or_default();
        self.story.trainings = self.trainer.budget.used;
        self.story.seconds = self.trainer.budget.elapsed();
        self.trainer.observer.story(&self.story, config);
    }
}

/// Result of the first training run with a change.
enum Look {
    /// The change looks better.
    Promising(Box<Candidate>),
    /// The change does not look better, or was rejected.
    Over,
    /// The same config was tried before.
    Known,
}

/// Returns the results of all training runs of `side`; `first` is the first seed.
fn all(first: u64, side: &Candidate) -> Vec<Measured> {
    let measured = |(offset, trial): (&u64, &Trial)| Measured {
        seed: first + offset,
        validation: trial.validation,
        test: trial.test,
    };
    side.trials.iter().map(measured).collect()
}

/// Returns true if the mean is better by the fraction that a change over several seeds must have, regardless of the spread.
fn looks_better(comparison: &Comparison) -> bool {
    let Comparison { score, loss, .. } = comparison;
    score.mean > score.least || score.mean >= -score.least && loss.mean > loss.least
}

/// Returns the gain over `current` with the seeds so far: of the score, or of the loss if the scores are equal.
fn gain_of(current: &Candidate, candidate: &Candidate) -> f64 {
    let [without, with] = current.paired(candidate, u64::MAX);
    let Comparison { score, loss, .. } = Comparison::of(&without, &with);
    score.mean + 1e-3 * loss.mean
}
