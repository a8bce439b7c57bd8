//! Levels that the trials of a rule support.

use std::collections::BTreeSet;

use keel_health::{Level, catalog};
use serde_json::{Value, json};

use super::places::Place;
use super::trial::{Trial, Untreated};

/// Minimum number of trials for a statement about a level.
const FEW: usize = 5;
/// Fraction of the distance from guessing to the sound result below which a training run has failed.
const FAILED: f64 = 0.5;
/// Minimum difference of two results that counts as more than chance.
const SMALLEST_SPREAD: f64 = 0.01;

/// Result of a network without a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sound {
    /// Network and data.
    pub(super) place: Place,
    /// Mean over the seeds.
    pub(super) mean: f64,
    /// Difference of two results that counts as more than chance: twice the standard deviation over the seeds, at least 0.01.
    pub(super) spread: f64,
}

impl Sound {
    /// Returns mean and spread of `results`, one per seed; a missing result counts as guessing.
    pub(super) fn of(place: Place, results: &[Option<f64>]) -> Sound {
        let values: Vec<f64> = results.iter().map(|result| result.unwrap_or(place.guessing())).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (squares / values.len().saturating_sub(1).max(1) as f64).sqrt();
        Sound { place, mean, spread: (2.0 * std).max(SMALLEST_SPREAD) }
    }

    /// Returns the result as JSON.
    pub(super) fn document(&self) -> Value {
        json!({ "network": self.place.name(), "mean": self.mean, "spread": self.spread })
    }
}

/// Sums over the trials of one rule at one level.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tally {
    cases: usize,
    /// Number of trials whose remedy can be applied by a program.
    treated: usize,
    improved: usize,
    worse: usize,
    failed: usize,
    /// Differences of the treated trials.
    gains: Vec<f64>,
}

impl Tally {
    fn add(&mut self, trial: &Trial, sound: &Sound) {
        let guessing = trial.place.guessing();
        let without = trial.without.unwrap_or(guessing);
        self.cases += 1;
        self.failed += usize::from(without < guessing + FAILED * (sound.mean - guessing));
        if trial.remedy.is_some() {
            let gain = trial.with.unwrap_or(guessing) - without;
            self.treated += 1;
            self.improved += usize::from(gain > sound.spread);
            self.worse += usize::from(gain < -sound.spread);
            self.gains.push(gain);
        }
    }

    /// Returns the level that these trials support; `None` if they are too few.
    fn deserved(&self) -> Option<Level> {
        (self.cases >= FEW).then(|| {
            if 2 * self.failed > self.cases {
                Level::Error
            } else if 2 * self.improved > self.cases {
                Level::Warn
            } else {
                Level::Info
            }
        })
    }

    fn median_gain(&self) -> Option<f64> {
        let mut gains = self.gains.clone();
        gains.sort_by(f64::total_cmp);
        let middle = gains.len() / 2;
        match gains.len() {
            0 => None,
            length if length % 2 == 0 => Some(f64::midpoint(gains[middle - 1], gains[middle])),
            _ => Some(gains[middle]),
        }
    }
}

/// Returns one entry for each rule and level that was found, with the supported level, in the order of the codes, and one for
/// each rule without a finding.
pub(super) fn verdicts(trials: &[&Trial], untreated: &[&Untreated], sound: &[Sound]) -> Value {
    let mut documents = Vec::new();
    for rule in catalog() {
        let silent = untreated
            .iter()
            .filter(|run| run.codes.contains(&rule.code) && run.found.iter().all(|code| code.as_str() != rule.code));
        let silent = silent.count();
        let of_rule: Vec<&&Trial> = trials.iter().filter(|trial| trial.code == rule.code).collect();
        let levels: BTreeSet<Level> = of_rule.iter().map(|trial| trial.level).collect();
        for &level in levels.iter().rev() {
            let mut tally = Tally::default();
            for trial in of_rule.iter().filter(|trial| trial.level == level) {
                let of_place = sound.iter().find(|sound| sound.place == trial.place);
                of_place.iter().for_each(|sound| tally.add(trial, sound));
            }
            documents.push(document(rule.code, level, &tally, silent));
        }
        if levels.is_empty() && silent > 0 {
            documents.push(json!({ "code": rule.code, "level": null, "cases": 0, "silent": silent }));
        }
    }
    Value::Array(documents)
}

fn document(code: &str, level: Level, tally: &Tally, silent: usize) -> Value {
    let deserved = tally.deserved();
    json!({
        "code": code, "level": level.name(), "cases": tally.cases, "treated": tally.treated, "improved": tally.improved,
        "worse": tally.worse, "failed": tally.failed, "median_gain": tally.median_gain(), "silent": silent,
        "deserved": deserved.map(Level::name), "contradiction": contradiction(code, level, tally),
    })
}

/// Returns the sentence about a level that the trials contradict.
fn contradiction(code: &str, level: Level, tally: &Tally) -> Option<String> {
    let deserved = tally.deserved().filter(|deserved| *deserved != level)?;
    let Tally { cases, treated, improved, failed, .. } = *tally;
    Some(match deserved {
        Level::Error => format!(
            "{code} is {} although training failed in {failed} of {cases} cases: these deserve error",
            article(level)
        ),
        Level::Warn => format!(
            "{code} is {} whose remedy improves the result beyond the spread in {improved} of {cases} cases: these deserve \
             a warning",
            article(level)
        ),
        Level::Info => format!(
            "{code} is {} whose remedy, where one can be applied ({treated} of {cases} cases), improves the result beyond \
             the spread in {improved}, and training failed in {failed}: these deserve info",
            article(level)
        ),
    })
}

fn article(level: Level) -> &'static str {
    match level {
        Level::Error => "an error",
        Level::Warn => "a warning",
        Level::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Sound = Sound { place: Place::DigitsMlp, mean: 0.9, spread: 0.03125 };

    fn trial(level: Level, without: f64, with: Option<f64>) -> Trial {
        Trial {
            code: "K013".to_owned(),
            level,
            form: "slow",
            place: Place::DigitsMlp,
            seed: 0,
            remedy: with.map(|_| "raise the rate".to_owned()),
            without: Some(without),
            with,
        }
    }

    fn tally(trials: &[(f64, Option<f64>)]) -> Tally {
        let mut tally = Tally::default();
        trials.iter().for_each(|&(without, with)| tally.add(&trial(Level::Warn, without, with), &SOUND));
        tally
    }

    #[test]
    fn the_spread_is_twice_the_deviation_and_at_least_a_hundredth() {
        let sound = |results: &[Option<f64>]| Sound::of(Place::DigitsMlp, results);
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        close(sound(&[Some(0.8), Some(1.0)]).mean, 0.9);
        close(sound(&[Some(0.8), Some(1.0)]).spread, 2.0 * 0.02_f64.sqrt());
        close(sound(&[Some(0.9)]).spread, 0.01);
        close(sound(&[None, None]).mean, 0.1);
    }

    #[test]
    fn levels_follow_failures_and_improvements() {
        let (better, same, failed) = ((0.7, Some(0.9)), (0.9, Some(0.91)), (0.2, None));
        for (trials, expected) in [
            (vec![better; 4], None),
            (vec![better, better, better, same, same], Some(Level::Warn)),
            (vec![better, better, same, same, same], Some(Level::Info)),
            (vec![better, better, better, same, same, same], Some(Level::Info)),
            (vec![failed, failed, failed, same, same], Some(Level::Error)),
            (vec![(0.9, None); 5], Some(Level::Info)),
            (vec![(0.9, Some(f64::NAN)); 5], Some(Level::Info)),
        ] {
            assert_eq!(tally(&trials).deserved(), expected, "{trials:?}");
        }
    }

    #[test]
    fn limits_themselves_are_neither_better_nor_failed() {
        let exact = tally(&[(0.5, Some(0.53125)), (0.5, Some(0.46875))]);
        assert_eq!((exact.improved, exact.worse, exact.failed), (0, 0, 0));
        let beyond = tally(&[(0.4999, Some(0.5315)), (0.9, Some(0.8)), (0.9, None)]);
        assert_eq!((beyond.improved, beyond.worse, beyond.failed, beyond.treated), (1, 1, 1, 2));
        assert_eq!(
            tally(&[(0.5, Some(0.7)), (0.5, Some(0.5)), (0.5, Some(0.6))]).median_gain().map(rounded),
            Some(0.1)
        );
        assert_eq!(tally(&[(0.5, Some(0.7)), (0.5, Some(0.5))]).median_gain().map(rounded), Some(0.1));
        assert_eq!(tally(&[(0.5, None)]).median_gain(), None);
    }

    fn rounded(value: f64) -> f64 {
        (value * 1e6).round() / 1e6
    }

    #[test]
    fn a_level_is_contradicted_in_a_sentence() {
        let trials: Vec<Trial> = (0..5).map(|_| trial(Level::Warn, 0.9, Some(0.9))).collect();
        let untreated = Untreated { codes: &["K013"], found: Vec::new() };
        let document = verdicts(&trials.iter().collect::<Vec<_>>(), &[&untreated], &[SOUND]);
        let [verdict] = document.as_array().unwrap().as_slice() else { panic!("{document:#}") };
        assert_eq!((&verdict["deserved"], &verdict["silent"]), (&json!("info"), &json!(1)));
        let sentence = verdict["contradiction"].as_str().unwrap();
        assert!(sentence.starts_with("K013 is a warning whose remedy") && sentence.contains("in 0,"), "{sentence}");
        let right: Vec<Trial> = (0..5).map(|_| trial(Level::Warn, 0.7, Some(0.9))).collect();
        let document = verdicts(&right.iter().collect::<Vec<_>>(), &[], &[SOUND]);
        assert!(document[0]["contradiction"].is_null(), "{document:#}");
    }
}
