//! One training run of the study, with and without the remedies of its leading findings.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use keel_health::{Finding, Level};
use keel_train::remedies::{Fork, Treatment, fork, tuned_treatment};
use keel_train::runs::{RunFolder, Summary};
use keel_train::{Config, TrainError, TrainedRun, Training, config};
use serde_json::{Value, json};

use super::Planned;
use super::places::Place;
use crate::bench::health::networks::Recipe;
use crate::failure::{Stop, unwritable};

/// A training run without treatment.
#[derive(Debug)]
pub(super) struct Untreated {
    /// Codes of the rules that its form concerns.
    pub(super) codes: &'static [&'static str],
    /// Codes of all its findings.
    pub(super) found: Vec<String>,
}

/// A tested finding.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// Code of the rule.
    pub(super) code: String,
    /// Level of the finding.
    pub(super) level: Level,
    /// Name of the form.
    pub(super) form: &'static str,
    /// Network and data.
    pub(super) place: Place,
    /// Seed of both training runs.
    pub(super) seed: u64,
    /// Remedy in words; `None` if none can be applied.
    pub(super) remedy: Option<String>,
    /// Validation result without the remedy; `None` if there is none.
    pub(super) without: Option<f64>,
    /// Validation result with the remedy.
    pub(super) with: Option<f64>,
}

impl Trial {
    /// Returns the trial as JSON.
    pub(super) fn document(&self) -> Value {
        json!({
            "code": self.code, "level": self.level.name(), "form": self.form, "network": self.place.name(), "seed": self.seed,
            "remedy": self.remedy, "without": self.without, "with": self.with,
        })
    }
}

/// Executes training runs, each in a separate folder.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    scratch: &'a Path,
    only: &'a [&'static str],
    folders: AtomicUsize,
}

/// Result of a training run.
struct Run {
    folder: RunFolder,
    findings: Vec<Finding>,
    score: Option<f64>,
}

impl<'a> Bench<'a> {
    /// Creates a bench that writes to `scratch` and treats findings of the rules `only`, or of all if it is empty.
    pub(super) fn new(scratch: &'a Path, only: &'a [&'static str]) -> Self {
        Bench { scratch, only, folders: AtomicUsize::new(0) }
    }

    /// Returns the validation result of the network without a fault.
    ///
    /// # Errors
    /// If it cannot be trained.
    pub(super) fn sound(&self, place: Place, seed: u64) -> Result<Option<f64>, Stop> {
        let folder = self.folder()?;
        let score = trained(&configured(place, &place.healthy(), seed, &folder)?, &folder, "sound")?.score;
        remove(&folder)?;
        Ok(score)
    }

    /// Executes the planned training run, and another one for every leading finding.
    ///
    /// # Errors
    /// If a training run cannot be built.
    pub(super) fn run(&self, planned: Planned) -> Result<(Untreated, Vec<Trial>), Stop> {
        let Planned { form, place, seed } = planned;
        let recipe = (form.recipe)(place).unwrap_or_else(|| place.healthy());
        let folder = self.folder()?;
        let config = configured(place, &recipe, seed, &folder)?;
        let run = trained(&config, &folder, "without")?;
        let mut found: Vec<String> = run.findings.iter().map(|finding| finding.code.clone()).collect();
        found.dedup();
        let mut trials: Vec<Trial> = Vec::new();
        let leading = run.findings.iter().filter(|finding| finding.is_root());
        for finding in leading.filter(|finding| self.only.is_empty() || self.only.contains(&finding.code.as_str())) {
            if trials.iter().any(|trial| trial.code == finding.code) {
                continue;
            }
            let (remedy, without, with) = match tuned_treatment(&run.folder, finding, None)? {
                Some(treatment) => {
                    let (without, with) = compared(&config, &run, &treatment, &folder)?;
                    (Some(treatment.remedy.describe()), without, with)
                }
                None => (None, run.score, None),
            };
            let code = finding.code.clone();
            trials.push(Trial { code, level: finding.level, form: form.name, place, seed, remedy, without, with });
        }
        remove(&folder)?;
        Ok((Untreated { codes: form.codes, found }, trials))
    }

    fn folder(&self) -> Result<PathBuf, Stop> {
        let folder = self.scratch.join(self.folders.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(folder)
    }
}

fn configured(place: Place, recipe: &Recipe, seed: u64, folder: &Path) -> Result<Config, Stop> {
    Ok(config::load(None, &place.overrides(recipe, seed, folder)?)?.settled())
}

fn remove(folder: &Path) -> Result<(), Stop> {
    Ok(std::fs::remove_dir_all(folder).map_err(|error| unwritable(folder, &error))?)
}

fn trained(config: &Config, folder: &Path, name: &str) -> Result<Run, Stop> {
    let mut config = config.clone();
    config.run.directory = folder.display().to_string();
    config.run.name = name.to_owned();
    finished(Training::new(config).run(&mut ()), &folder.join(name))
}

/// Returns the run, even if its loss was not finite at the end.
fn finished(result: Result<TrainedRun, TrainError>, path: &Path) -> Result<Run, Stop> {
    let folder = match result {
        Ok(TrainedRun { folder, .. }) => folder,
        Err(error) => match RunFolder::open(path) {
            Ok(folder) => folder,
            Err(_) => return Err(error.into()),
        },
    };
    let summary = folder.read_summary()?;
    let score = score(&summary);
    Ok(Run { findings: summary.read_findings()?, folder, score })
}

/// Returns validation results without and with a treatment, over the same number of steps. Settings apply from the first step;
/// a change of trained weights is applied at the end, and training then continues for as many steps again, as it does in the
/// run without.
fn compared(
    config: &Config,
    run: &Run,
    treatment: &Treatment,
    folder: &Path,
) -> Result<(Option<f64>, Option<f64>), Stop> {
    let Some(surgery) = &treatment.surgery else {
        return Ok((run.score, trained(&treatment.config, folder, &format!("with{}", treatment.number))?.score));
    };
    let from_start = !surgery.needs_trained_weights();
    let change = Fork { run: &run.folder, config: treatment.config.clone(), surgery: Some(surgery), from_start };
    let changed = fork(&change, folder, "changed")?;
    let with = finished(Training::resume(changed.path())?.run(&mut ()), changed.path())?.score;
    if from_start {
        return Ok((run.score, with));
    }
    let mut longer = config.clone();
    longer.train.epochs *= 2;
    Ok((trained(&longer, folder, "longer")?.score, with))
}

/// Returns the accuracy on the validation split, or R2, at least -1.
fn score(summary: &Summary) -> Option<f64> {
    let metrics = summary.metrics.validation.as_ref()?;
    let r2 = || metrics.regression.as_ref()?.r2.map(|r2| r2.max(-1.0));
    metrics.accuracy.or_else(r2).filter(|score| score.is_finite())
}
