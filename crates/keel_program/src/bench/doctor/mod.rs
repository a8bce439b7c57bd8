//! Compares the doctor with a random search over the same settings, at equal training time, on a folder of faulty programs.
//!
//! Both select by the validation split only. The final config of each, the initial config and the repaired program are trained
//! with a few seeds and compared on the test split.

mod cases;
mod draws;
mod random_search;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_data::SplitDataset;
use keel_train::doctor::{DoctorObserver, DoctorOptions, Story, TrainingPlace, Treated, treat};
use keel_train::metrics::{MetricName, Metrics};
use keel_train::remedies::score_metric;
use keel_train::{Config, Training, load_data};
use serde::Serialize;

use crate::failure::Stop;
use crate::interruption::Scratch;
use crate::terminal::{Align, Output, table};

pub(crate) use cases::{Case, read_cases};
use random_search::RandomSearch;

/// Number of seeds with which every config is measured on the test split.
const SEEDS: u64 = 3;

/// Minimum fraction of the distance to the repaired program that a cure closes.
const CURE: f64 = 0.8;

/// Distance to the repaired program below which there is nothing to cure.
const LEAST_DISTANCE: f64 = 0.02;

/// Score of a training run without a result, and minimum score that is distinguished.
const WORST: f64 = -1.0;

/// Outcome on one case: mean scores on the test split.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CaseOutcome {
    name: String,
    start: f64,
    doctor: f64,
    random: f64,
    repaired: f64,
    /// Seconds used by the doctor, and given to the random search.
    seconds: f64,
    doctor_trainings: u64,
    random_trainings: u64,
    doctor_cures: bool,
    random_cures: bool,
    /// Keys that the doctor changed.
    changed: Vec<String>,
}

/// Runs the doctor and the random search on every case, each for `seconds`; stops between two cases once `stop` is true.
pub(crate) fn measure(cases: &[Case], seconds: f64, stop: &Arc<AtomicBool>) -> Result<Vec<CaseOutcome>, Stop> {
    let mut outcomes = Vec::new();
    for case in cases {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let outcome = one(case, seconds, stop)?;
        let CaseOutcome { name, start, doctor, random, repaired, .. } = &outcome;
        Output::note(&format!(
            "{name}: start {start:.3}, doctor {doctor:.3}, random search {random:.3}, repaired {repaired:.3}"
        ));
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn one(case: &Case, seconds: f64, stop: &Arc<AtomicBool>) -> Result<CaseOutcome, Stop> {
    let data = load_data(&case.faulty)?;
    let scratch = Scratch::new("bench-doctor")?;
    let options =
        DoctorOptions { seconds, trainings: None, scratch: scratch.path().to_owned(), stop: Arc::clone(stop) };
    let Treated { story, config } = treat(&case.faulty, data.clone(), &options, &mut Quiet)?;
    let mut search = RandomSearch::new(case.faulty.clone(), data);
    let found = search.run(story.seconds, stop);
    let start = test_score(&case.faulty);
    let doctor = if story.changes.is_empty() { start } else { test_score(&config) };
    let (random, repaired) = (test_score(&found), test_score(&case.repaired));
    let cures = |score: f64| repaired > start + LEAST_DISTANCE && score >= start + CURE * (repaired - start);
    Ok(CaseOutcome {
        name: case.name.clone(),
        start,
        doctor,
        random,
        repaired,
        seconds: story.seconds,
        doctor_trainings: story.trainings,
        random_trainings: search.trainings,
        doctor_cures: cures(doctor),
        random_cures: cures(random),
        changed: story.changes.into_iter().map(|change| change.key).collect(),
    })
}

/// Trains `config` on `data`, or on its own source, and returns validation and test metrics; `None` without a result.
fn trained(config: &Config, data: Option<SplitDataset>, seed: u64) -> Option<(Metrics, Option<Metrics>)> {
    let mut config = config.clone().settled();
    config.train.seed = seed;
    let training = match data {
        Some(data) => Training::new(config).with_data(data),
        None => Training::new(config),
    };
    let metrics = training.run_in_memory(&mut ()).ok()?.summary.metrics;
    Some((metrics.validation.or(metrics.train)?, metrics.test))
}

/// Returns accuracy or R2.
fn score(metrics: &Metrics) -> f64 {
    let value = score_metric(metrics, MetricName::Auto).value(metrics);
    value.map_or(WORST, |value| value.max(WORST))
}

/// Returns the mean test score over the seeds.
fn test_score(config: &Config) -> f64 {
    let config = config.clone().settled();
    let first = config.train.seed;
    let scores = (first..first + SEEDS).map(|seed| {
        let test = trained(&config, None, seed).and_then(|(_, test)| test);
        test.map_or(WORST, |metrics| score(&metrics))
    });
    scores.sum::<f64>() / SEEDS as f64
}

/// Prints nothing.
struct Quiet;

impl DoctorObserver for Quiet {
    fn training(&mut self, _place: &TrainingPlace<'_>) {}

    fn story(&mut self, _story: &Story, _config: &Config) {}
}

/// Formats one row per case, and the number of cases that each method cures.
pub(crate) fn outcomes_table(outcomes: &[CaseOutcome], cases: &Path) -> String {
    if outcomes.is_empty() {
        return format!("No case of {} was finished.", cases.display());
    }
    let columns = [
        ("case", Align::Left),
        ("start", Align::Right),
        ("doctor", Align::Right),
        ("random search", Align::Right),
        ("repaired", Align::Right),
        ("seconds each", Align::Right),
        ("cured by", Align::Left),
    ];
    let row = |outcome: &CaseOutcome| {
        let cured = match (outcome.doctor_cures, outcome.random_cures) {
            (true, true) => "both",
            (true, false) => "doctor",
            (false, true) => "random search",
            (false, false) => "none",
        };
        let scores =
            [outcome.start, outcome.doctor, outcome.random, outcome.repaired].map(|score| format!("{score:.3}"));
        let rest = [format!("{:.0}", outcome.seconds), cured.to_owned()];
        std::iter::once(outcome.name.clone()).chain(scores).chain(rest).collect::<Vec<_>>()
    };
    let rows: Vec<_> = outcomes.iter().map(row).collect();
    let count = |cures: fn(&CaseOutcome) -> bool| outcomes.iter().filter(|outcome| cures(outcome)).count();
    format!(
        "{}\n\nCured (80 % of the distance to the repaired program, test split, mean over {SEEDS} seeds): doctor {}, random search {}, of {}",
        table(&columns, &rows),
        count(|outcome| outcome.doctor_cures),
        count(|outcome| outcome.random_cures),
        outcomes.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cures_are_counted() {
        let outcome = |name: &str, doctor_cures, random_cures| CaseOutcome {
            name: name.to_owned(),
            start: 0.1,
            doctor: 0.9,
            random: 0.5,
            repaired: 0.95,
            seconds: 3.0,
            doctor_trainings: 20,
            random_trainings: 25,
            doctor_cures,
            random_cures,
            changed: Vec::new(),
        };
        let outcomes = [outcome("a", true, false), outcome("b", true, true), outcome("c", false, false)];
        let text = outcomes_table(&outcomes, Path::new("cases"));
        assert!(text.contains("doctor 2, random search 1, of 3"), "{text}");
        assert!(outcomes_table(&[], Path::new("cases")).contains("No case of cases"));
    }
}
