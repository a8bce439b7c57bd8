//! Runs a folder of cases: programs with a known fault, their repaired versions, and healthy programs.
//!
//! Every program is a config preceded by two lines: the expected findings and a description. It is trained by this program in a
//! separate process, as a user would train it; its remedies are applied with `fix`.

mod case_file;
mod cure;
mod data;
mod folder;
mod program;
mod results;
mod text;
mod trained;

use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use super::progress::Progress;
use crate::failure::Stop;
use crate::interruption::Scratch;
use case_file::Case;
use cure::{Cure, cure};
use data::Sources;
use folder::CaseFolder;
use program::Program;
use results::{FaultyResult, HealthyResult, Results};
use trained::Trained;

pub(crate) use text::table;

/// First seed of every repaired and healthy program, and the seed of every faulty one.
const FIRST_SEED: u64 = 0;

/// Selects the folder, the cases and the number of training runs.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// Folder that contains the folders `faulty` and `healthy`.
    pub(crate) folder: &'a Path,
    /// Folder that the configs call `data`; by default the one in `folder`.
    pub(crate) data: Option<&'a Path>,
    /// Selects cases with one of these words in their names; all if empty.
    pub(crate) only: &'a [String],
    /// Number of seeds of every repaired and healthy program.
    pub(crate) seeds: u64,
    /// Reports the progress on standard error.
    pub(crate) note: fn(&str),
}

/// Trains the cases of a folder and returns one document with all results.
///
/// # Errors
/// If a folder or a case cannot be read, or data is missing; nothing has been trained then.
pub(crate) fn run(options: &Options<'_>) -> Result<Value, Stop> {
    let folder = CaseFolder::read(options.folder, options.only)?;
    let scratch = Scratch::new("cases")?;
    let sources = Sources::find(&folder, options.data, scratch.path())?;
    let program = Program::this(scratch.path())?;
    let bench = Bench { program: &program, sources: &sources, seeds: FIRST_SEED..FIRST_SEED + options.seeds };
    let progress = Progress::begin("cases", folder.faulty.len() + folder.healthy.len(), options.note);
    let faulty = folder.faulty.par_iter().map(|pair| {
        let result = bench.faulty(&pair.faulty, pair.repaired.as_ref());
        progress.done();
        result
    });
    let healthy = folder.healthy.par_iter().map(|case| {
        let result = bench.healthy(case);
        progress.done();
        result
    });
    let (faulty, healthy) = rayon::join(|| faulty.collect::<Result<_, _>>(), || healthy.collect::<Result<_, _>>());
    Ok(Results { faulty: faulty?, healthy: healthy? }.document(options.seeds))
}

/// Settings for training the cases.
#[derive(Debug)]
struct Bench<'a> {
    program: &'a Program,
    sources: &'a Sources,
    seeds: std::ops::Range<u64>,
}

impl Bench<'_> {
    fn faulty(&self, case: &Case, repaired: Option<&Case>) -> Result<FaultyResult, Stop> {
        let repaired: Vec<Trained> = match repaired {
            Some(repaired) => self.every_seed(repaired)?,
            None => Vec::new(),
        };
        let goal = repaired.iter().find_map(|run| run.score);
        let faulty = self.train(case, FIRST_SEED)?;
        let cure = if faulty.alarms.is_empty() { Cure::none(faulty.score) } else { cure(self.program, &faulty, goal)? };
        self.program.forget(&case.place())?;
        Ok(FaultyResult {
            name: case.name.clone(),
            kind: case.kind.clone(),
            expected: case.expected.clone(),
            lead: faulty.lead(),
            before: faulty.score,
            goal,
            cure,
            repaired,
        })
    }

    fn healthy(&self, case: &Case) -> Result<HealthyResult, Stop> {
        let mut runs = self.every_seed(case)?;
        runs.iter_mut().for_each(|run| run.alarms.retain(|alarm| !case.expected.contains(&alarm.code)));
        Ok(HealthyResult { name: case.name.clone(), kind: case.kind.clone(), runs })
    }

    fn every_seed(&self, case: &Case) -> Result<Vec<Trained>, Stop> {
        let runs = self.seeds.clone().map(|seed| self.train(case, seed)).collect();
        self.program.forget(&case.place())?;
        runs
    }

    fn train(&self, case: &Case, seed: u64) -> Result<Trained, Stop> {
        let training = program::Training {
            config: &case.path,
            source: self.sources.of(case),
            place: &case.place(),
            name: &format!("seed{seed}"),
            seed,
        };
        Ok(self.program.train(&training)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_train::{Session, load_data};

    #[test]
    fn every_shipped_case_can_be_trained_or_is_refused_as_it_says() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/health/cases"));
        let folder = CaseFolder::read(folder, &[]).unwrap();
        assert!(folder.faulty.len() >= 40 && folder.healthy.len() >= 40);
        assert!(folder.faulty.iter().all(|pair| pair.repaired.is_some()));
        let scratch = tempfile::tempdir().unwrap();
        let sources = Sources::find(&folder, None, scratch.path()).unwrap();
        for case in folder.cases() {
            let mut config = case.config.clone();
            if let Some(source) = sources.of(case) {
                config.data.source = source.display().to_string();
            }
            let config = config.settled();
            let built = load_data(&config).and_then(|data| Session::new(&config, data));
            let refused = case.expected.iter().any(|word| word == case_file::REFUSED);
            assert_eq!(
                built.is_err(),
                refused,
                "{}: {:?}",
                case.path.display(),
                built.err().map(|error| error.to_string())
            );
        }
    }
}
