//! Study of the levels: does the remedy of a warning improve the result, and does an error mean failure?
//!
//! Training runs with faults from mild to severe, and healthy ones, are executed over networks, data sets and seeds. Every
//! leading finding is treated with its first remedy, as `fix` does it, and the validation results with and without it are
//! compared.

mod forms;
mod places;
mod text;
mod trial;
mod verdict;

use serde_json::{Value, json};

use super::SCORING_SEED;
use super::progress::Progress;
use super::workers;
use crate::failure::Stop;
use crate::interruption::Scratch;
use forms::{FORMS, Form};
use places::Place;
use trial::{Bench, Trial, Untreated};
use verdict::{Sound, verdicts};

pub(crate) use text::table;

/// Selects the rules and the number of training runs.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// Codes of the rules; all if empty.
    pub(crate) only: &'a [&'static str],
    /// Number of seeds of every network and fault.
    pub(crate) seeds: u64,
    /// Reports the progress on standard error.
    pub(crate) note: fn(&str),
}

/// A planned training run.
#[derive(Debug, Clone, Copy)]
struct Planned {
    form: &'static Form,
    place: Place,
    seed: u64,
}

/// Executes all training runs and returns one document with the verdict on every rule and level.
///
/// # Errors
/// If a training run cannot be built.
pub(crate) fn run(options: &Options<'_>) -> Result<Value, Stop> {
    let scratch = Scratch::new("study")?;
    let bench = Bench::new(scratch.path(), options.only);
    let seeds = SCORING_SEED..SCORING_SEED + options.seeds;
    let sound = sound_results(&bench, seeds.clone())?;
    let wanted = |form: &&Form| options.only.is_empty() || form.codes.iter().any(|code| options.only.contains(code));
    let mut planned = Vec::new();
    for form in FORMS.iter().filter(wanted) {
        for place in Place::ALL.into_iter().filter(|place| (form.recipe)(*place).is_some()) {
            planned.extend(seeds.clone().map(|seed| Planned { form, place, seed }));
        }
    }
    let progress = Progress::begin("training runs", planned.len(), options.note);
    let runs = workers::for_each(&planned, |planned| {
        let run = bench.run(*planned);
        progress.done();
        run
    });
    let runs: Vec<(Untreated, Vec<Trial>)> = runs.into_iter().collect::<Result<_, Stop>>()?;
    let untreated: Vec<&Untreated> = runs.iter().map(|(untreated, _)| untreated).collect();
    let trials: Vec<&Trial> = runs.iter().flat_map(|(_, trials)| trials).collect();
    Ok(json!({
        "seeds": { "first": SCORING_SEED, "count": options.seeds },
        "sound": sound.iter().map(Sound::document).collect::<Vec<_>>(),
        "verdicts": verdicts(&trials, &untreated, &sound),
        "trials": trials.iter().map(|trial| trial.document()).collect::<Vec<_>>(),
    }))
}

/// Returns the results of the networks without a fault, one entry per network.
fn sound_results(bench: &Bench<'_>, seeds: std::ops::Range<u64>) -> Result<Vec<Sound>, Stop> {
    let of_place = |place: &Place| {
        let results = seeds.clone().map(|seed| bench.sound(*place, seed)).collect::<Result<Vec<_>, Stop>>()?;
        Ok(Sound::of(*place, &results))
    };
    workers::for_each(&Place::ALL, of_place).into_iter().collect()
}
