//! Proof of a finding: its run continued twice from the same point, with and without the remedy, over several seeds.
//!
//! Both arms of a seed see the same data in the same order and differ in the remedy alone. The result on the validation
//! split decides: a remedy that makes it better beyond the spread over seeds confirms its finding, one that only moves the
//! finding's own statistic lowers it to a remark, and one that moves neither withdraws it.

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
use crate::runs::{RunFolder, Summary};
use crate::session::load_data;

/// Steps beyond the first one of the finding that a fresh start gets at least, and least steps of a continuation.
pub(super) const WINDOWS: u64 = 300;

/// Seconds that a run of a proof may take, by the pace of the run it is about: the whole training where it fits.
const ARM_SECONDS: f64 = 20.0;

/// Steps below which the pace of a run is not known.
const KNOWN_PACE: u64 = 20;

/// Steps that a run of a proof may take where the pace is not known.
const UNKNOWN_PACE_STEPS: f64 = 2_000.0;

/// Key under which a finding of the summary keeps its proof.
const RECORD: &str = "proof";

/// Key under which a finding of the summary keeps the level it had before its proof.
const LEVEL_BEFORE: &str = "level_before_proof";

/// Amount and place of the runs.
#[derive(Debug, Clone)]
pub struct ProofOptions {
    /// Seeds, each with two runs.
    pub seeds: u64,
    /// Steps of each run; `None`: the whole training where it is short, else enough for the finding to come up again.
    pub steps: Option<u64>,
    /// Folder for the runs, which are removed one after the other.
    pub scratch: PathBuf,
    /// Ends the proof at the next step boundary once it is true.
    pub stop: Arc<AtomicBool>,
}

/// Mean and range over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Spread {
    /// `mean (min to max)` with numbers as `number` writes them and `to` between the ends; the number alone where all agree.
    pub fn text(&self, number: impl Fn(f64) -> String, to: &str) -> String {
        if self.min == self.max {
            return number(self.mean);
        }
        format!("{} ({}{to}{})", number(self.mean), number(self.min), number(self.max))
    }
}

/// A finding put to the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Code of the rule.
    pub code: String,
    /// Layer of the finding.
    pub layer: Option<String>,
    /// The remedy in words.
    pub remedy: String,
    /// Its number among the remedies of the finding, counted from 1.
    #[serde(default)]
    pub remedy_number: usize,
    /// Outcome of the proof.
    pub verdict: Verdict,
    /// Step both arms start from; 0: afresh.
    pub from_step: u64,
    /// Steps of each run; of runs that ended at different steps, the most.
    pub steps: u64,
    /// The limit of the statistic; of several, such as for a warning and an error, the nearest to what is healthy.
    pub threshold: f64,
    /// Name of the score; empty where no run has one.
    #[serde(default)]
    pub score: String,
    /// The results with the remedy against those without it, paired by seed.
    #[serde(default = "undecided")]
    pub comparison: Comparison,
    /// Without the remedy, one entry a seed.
    pub without: Vec<Arm>,
    /// With it, one entry a seed.
    pub with: Vec<Arm>,
}

/// The comparison of a proof that recorded none.
fn undecided() -> Comparison {
    Comparison::of(&[], &[])
}

/// Puts `finding` of the run in `folder` to the test with `treatment`; `progress` hears of every run begun. `None` if it
/// was stopped before the end.
///
/// # Errors
/// The run cannot be read or continued.
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
            let steps = length.map_or_else(|| "the whole training".to_owned(), |steps| format!("{steps} steps"));
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

/// A proof without any arm.
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

/// `None` for the whole training of `config`, where it takes no longer than a run of a proof may; else the steps that fit,
/// at least `least`.
fn affordable_steps(folder: &RunFolder, config: &Config, least: u64) -> Result<Option<u64>, TrainError> {
    let samples = load_data(config)?.train.len();
    let whole = config.train.epochs * samples.div_ceil(config.train.batch_size.max(1)) as u64;
    let measured = folder.read_summary().ok().filter(|summary| summary.steps >= KNOWN_PACE && summary.seconds > 0.0);
    let affordable =
        measured.map_or(UNKNOWN_PACE_STEPS, |summary| ARM_SECONDS * summary.steps as f64 / summary.seconds);
    Ok((whole as f64 > affordable).then(|| least.max(affordable as u64)))
}

/// Notes `proof` in the record of its finding in the run's summary. The level of the finding follows the verdict, and the
/// level before is noted.
///
/// # Errors
/// The summary cannot be read or written.
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

/// The proofs noted in a run's summary, in the order of its findings.
pub fn proofs_of(summary: &Summary) -> Vec<Proof> {
    let noted = summary.findings.iter().filter_map(|finding| finding.get(RECORD));
    noted.filter_map(|document| serde_json::from_value(document.clone()).ok()).collect()
}

impl Proof {
    /// Returns true if it is a proof of `finding`.
    pub fn concerns(&self, finding: &Finding) -> bool {
        self.code == finding.code && self.layer == finding.layer
    }

    /// True if the finding does not count any more: its remedy moves neither its statistic nor the result.
    pub fn withdraws(&self) -> bool {
        self.verdict == Verdict::NoEffect && !self.run_fails()
    }

    /// True if the finding is a remark from now on: its remedy does not make the result better. A run that ends without a
    /// result has failed, whatever one remedy does, and its finding keeps its level.
    pub fn lowers_level(&self) -> bool {
        let better = matches!(self.verdict, Verdict::Confirmed | Verdict::NotReproduced);
        !better && !self.run_fails()
    }

    /// True if no run without the remedy has a result.
    fn run_fails(&self) -> bool {
        !self.without.is_empty() && self.without.iter().all(|arm| !arm.result.is_finite())
    }

    /// Mean and range of what `value` takes from the arms; `None` if no arm has it.
    pub fn spread(arms: &[Arm], value: impl Fn(&Arm) -> Option<f64>) -> Option<Spread> {
        let values: Vec<f64> = arms.iter().filter_map(value).collect();
        let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(min, max), &v| (min.min(v), max.max(v)));
        (!values.is_empty()).then(|| Spread { mean: values.iter().sum::<f64>() / values.len() as f64, min, max })
    }
}

/// A fault that was there from the first step is shown from the first step; so is anything a fresh run is needed for, and
/// a run without a checkpoint.
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
