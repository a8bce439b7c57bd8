//! Proof of a finding: its run is continued twice from the same point, with and without the remedy, over several seeds.
//!
//! Both arms of a seed use the same data in the same order and differ only in the remedy. The result on the validation split
//! decides: a remedy that improves it beyond the spread over seeds confirms its finding, one that only changes the finding's
//! own statistic lowers it to a remark, and one that changes neither withdraws it.

mod arm;
mod comparison;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_health::{Application, Finding, Level};
use serde::{Deserialize, Serialize};

pub use arm::Arm;
pub use comparison::{Change, Comparison, Gain, RunResult, score_metric};
pub use verdict::Verdict;

use self::arm::{Outcome, Runner};
use super::{Fork, Treatment, config_of};
use crate::config::Config;
use crate::error::TrainError;
use crate::loading::load_data;
use crate::runs::{RunFolder, Summary};

/// Minimum number of steps beyond the first step of the finding in a new training run, and minimum number of steps of a
/// continuation.
pub(super) const WINDOWS: u64 = 300;

/// Seconds that a run of a proof may take, by the pace of the original run: the complete training run if it fits.
const ARM_SECONDS: f64 = 20.0;

/// Number of steps below which the pace of a run is not known.
const KNOWN_PACE: u64 = 20;

/// Maximum number of steps of a run of a proof if the pace is not known.
const UNKNOWN_PACE_STEPS: f64 = 2_000.0;

/// Key under which a finding of the summary stores its proof.
const RECORD: &str = "proof";

/// Key under which a finding of the summary stores the level it had before its proof.
const LEVEL_BEFORE: &str = "level_before_proof";

/// Number and location of the runs.
#[derive(Debug, Clone)]
pub struct ProofOptions {
    /// Number of seeds, each with two runs.
    pub seeds: u64,
    /// Number of steps of each run; `None`: the complete training run if it is short, otherwise enough for the finding to
    /// recur.
    pub steps: Option<u64>,
    /// Folder for the runs, which are removed one after the other.
    pub scratch: PathBuf,
    /// Stops the proof at the next step boundary once it is true.
    pub stop: Arc<AtomicBool>,
}

/// Mean and range over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Minimum over the seeds.
    pub min: f64,
    /// Maximum over the seeds.
    pub max: f64,
}

impl Spread {
    /// Formats it as `mean (min to max)`, with numbers formatted by `number` and `to` between the ends; only one number if all
    /// are equal.
    pub fn text(&self, number: impl Fn(f64) -> String, to: &str) -> String {
        if self.min == self.max {
            return number(self.mean);
        }
        format!("{} ({}{to}{})", number(self.mean), number(self.min), number(self.max))
    }
}

/// Result of testing a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Code of the rule.
    pub code: String,
    /// Layer of the finding.
    pub layer: Option<String>,
    /// Description of the remedy.
    pub remedy: String,
    /// Number of the remedy among those of the finding, counted from 1.
    #[serde(default)]
    pub remedy_number: usize,
    /// Outcome of the proof.
    pub verdict: Verdict,
    /// Step from which both arms start; 0: from the beginning.
    pub from_step: u64,
    /// Number of steps of each run; the maximum of runs that ended at different steps.
    pub steps: u64,
    /// Limit of the statistic; of several, such as for a warning and an error, the one closest to healthy values.
    pub threshold: f64,
    /// Name of the score; empty if no run has one.
    #[serde(default)]
    pub score: String,
    /// Comparison of the results with and without the remedy, paired by seed.
    #[serde(default = "undecided")]
    pub comparison: Comparison,
    /// Results without the remedy, one entry per seed.
    pub without: Vec<Arm>,
    /// Results with the remedy, one entry per seed.
    pub with: Vec<Arm>,
}

/// Returns the comparison of a proof that recorded none.
fn undecided() -> Comparison {
    Comparison::of(&[], &[])
}

/// Tests `finding` of the run in `folder` with `treatment`; `progress` is called for every run that begins. `None` if it was
/// stopped before the end.
///
/// # Errors
/// If the run cannot be read or continued.
pub fn prove(
    folder: &RunFolder,
    finding: &Finding,
    treatment: &Treatment,
    options: &ProofOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Option<Proof>, TrainError> {
    let original = config_of(folder)?;
    let from_start = starts_afresh(folder, finding, treatment);
    let length = match options.steps {
        Some(steps) => Some(steps),
        None => affordable_steps(folder, &original, if from_start { finding.first_step + WINDOWS } else { WINDOWS })?,
    };
    let mut proof = begun(finding, treatment);
    for seed in (0..options.seeds.max(1)).map(|offset| original.train.seed + offset) {
        for with in [false, true] {
            let name = if with { "with the remedy" } else { "without" };
            let steps = length.map_or_else(|| "the whole training run".to_owned(), |steps| format!("{steps} steps"));
            progress(&format!("{} {name}, seed {seed}, {steps}", finding.code));
            let config =
                Config { train: seeded(&original, treatment, with, seed), ..chosen(&original, treatment, with) };
            let surgery = treatment.surgery.as_ref().filter(|_| with);
            let continuation = Fork { run: folder, config, surgery, from_start };
            let runner = Runner { finding, continuation, steps: length, options };
            let outcome = runner.run(seed)?;
            if options.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            note(&mut proof, finding, outcome, with);
        }
    }
    let results = |arms: &[Arm]| arms.iter().map(|arm| arm.result).collect::<Vec<_>>();
    proof.comparison = Comparison::of(&results(&proof.without), &results(&proof.with));
    proof.verdict = verdict::of(&proof);
    Ok(Some(proof))
}

/// Creates a proof without results.
fn begun(finding: &Finding, treatment: &Treatment) -> Proof {
    Proof {
        code: finding.code.clone(),
        layer: finding.layer.clone(),
        remedy: treatment.remedy.describe(),
        remedy_number: treatment.number,
        verdict: Verdict::NotReproduced,
        from_step: 0,
        steps: 0,
        threshold: finding.threshold,
        score: String::new(),
        comparison: undecided(),
        without: Vec::new(),
        with: Vec::new(),
    }
}

/// Adds the outcome of one run to its arm.
fn note(proof: &mut Proof, finding: &Finding, outcome: Outcome, with: bool) {
    let Outcome { arm, limit, from_step, steps, score } = outcome;
    proof.from_step = from_step;
    proof.steps = proof.steps.max(steps);
    let high = finding.measured > finding.threshold;
    let stricter = if high { f64::min } else { f64::max };
    proof.threshold = limit.map_or(proof.threshold, |limit| stricter(proof.threshold, limit));
    if let Some(score) = score {
        proof.score = score;
    }
    if with { proof.with.push(arm) } else { proof.without.push(arm) }
}

/// Returns `None` for the complete training run of `config`, if it takes no longer than a run of a proof may; otherwise the
/// number of steps that fit, at least `least`.
fn affordable_steps(folder: &RunFolder, config: &Config, least: u64) -> Result<Option<u64>, TrainError> {
    let samples = load_data(config)?.train.len();
    let whole = config.train.epochs * samples.div_ceil(config.train.batch_size.max(1)) as u64;
    let measured = folder.read_summary().ok().filter(|summary| summary.steps >= KNOWN_PACE && summary.seconds > 0.0);
    let affordable =
        measured.map_or(UNKNOWN_PACE_STEPS, |summary| ARM_SECONDS * summary.steps as f64 / summary.seconds);
    Ok((whole as f64 > affordable).then(|| least.max(affordable as u64)))
}

/// Records `proof` with its finding in the run's summary. The level of the finding follows the verdict, and the previous level
/// is recorded.
///
/// # Errors
/// If the summary cannot be read or written.
pub fn record_proof(folder: &RunFolder, proof: &Proof) -> Result<(), TrainError> {
    let mut summary = folder.read_summary()?;
    let document = serde_json::to_value(proof).map_err(|error| TrainError::run(&folder.summary(), error))?;
    for finding in &mut summary.findings {
        if finding["code"] == proof.code.as_str() && finding["layer"].as_str() == proof.layer.as_deref() {
            finding[RECORD] = document.clone();
            finding["withdrawn"] = proof.withdraws().into();
            let level = finding.get(LEVEL_BEFORE).unwrap_or(&finding["level"]).clone();
            let lowered = proof.lowers_level() && level != Level::Info.name();
            finding[LEVEL_BEFORE] = level.clone();
            finding["level"] = if lowered { Level::Info.name().into() } else { level };
        }
    }
    folder.write_summary(&summary)
}

/// Returns the proofs recorded in a run's summary, in the order of its findings.
pub fn proofs_of(summary: &Summary) -> Vec<Proof> {
    let noted = summary.findings.iter().filter_map(|finding| finding.get(RECORD));
    noted.filter_map(|document| serde_json::from_value(document.clone()).ok()).collect()
}

impl Proof {
    /// Returns true if it is a proof of `finding`.
    pub fn concerns(&self, finding: &Finding) -> bool {
        self.code == finding.code && self.layer == finding.layer
    }

    /// Returns true if the finding no longer counts: its remedy changes neither its statistic nor the result.
    pub fn withdraws(&self) -> bool {
        self.verdict == Verdict::NoEffect && !self.run_fails()
    }

    /// Returns true if the finding becomes a remark: its remedy does not improve the result. A run that ends without a result
    /// has failed, regardless of one remedy, and its finding keeps its level.
    pub fn lowers_level(&self) -> bool {
        let better = matches!(self.verdict, Verdict::Confirmed | Verdict::NotReproduced);
        !better && !self.run_fails()
    }

    /// Returns true if no run without the remedy has a result.
    fn run_fails(&self) -> bool {
        !self.without.is_empty() && self.without.iter().all(|arm| !arm.result.is_finite())
    }

    /// Returns mean and range of `value` over the arms; `None` if no arm has it.
    pub fn spread(arms: &[Arm], value: impl Fn(&Arm) -> Option<f64>) -> Option<Spread> {
        let values: Vec<f64> = arms.iter().filter_map(value).collect();
        let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(min, max), &v| (min.min(v), max.max(v)));
        (!values.is_empty()).then(|| Spread { mean: values.iter().sum::<f64>() / values.len() as f64, min, max })
    }
}

/// Returns true if the proof starts from the first step: for a finding that was there from the first step, a remedy that needs
/// a new training run, and a run without a checkpoint.
fn starts_afresh(folder: &RunFolder, finding: &Finding, treatment: &Treatment) -> bool {
    let trained = treatment.surgery.as_ref().is_some_and(super::Surgery::needs_trained_weights);
    let fresh = treatment.application == Application::FreshRun || finding.first_step <= 1;
    !folder.last_checkpoint().exists() || fresh && !trained
}

fn chosen(original: &Config, treatment: &Treatment, with: bool) -> Config {
    if with { treatment.config.clone() } else { original.clone() }
}

fn seeded(original: &Config, treatment: &Treatment, with: bool, seed: u64) -> crate::config::TrainConfig {
    crate::config::TrainConfig { seed, time_limit: 0.0, ..chosen(original, treatment, with).train }
}
