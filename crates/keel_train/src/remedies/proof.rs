//! Proof of a finding: its run continued twice from the same point, with and without the remedy, over several seeds.
//!
//! Both arms of a seed see the same data in the same order and differ in the remedy alone. A finding whose remedy does
//! not move its own statistic is withdrawn.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_health::{Application, Finding};
use serde::{Deserialize, Serialize};

use super::{Fork, Treatment, config_of, findings_of, fork};
use crate::config::Config;
use crate::error::TrainError;
use crate::metrics::Detail;
use crate::runs::{RunFolder, Summary};
use crate::session::{Session, load_data};
use crate::threads;
use crate::trainer::{Event, Training, TrainingObserver};

/// Share by which the distance of the statistic from its limit must shrink.
const LEAST_CHANGE: f64 = 0.1;

/// Steps beyond the first one of the finding that a fresh start gets, and steps of a continuation.
const WINDOWS: u64 = 300;

/// Where a finding of the summary keeps its proof.
const RECORD: &str = "proof";

/// How much is run, and where.
#[derive(Debug, Clone)]
pub struct ProofOptions {
    /// Seeds, each with two runs.
    pub seeds: u64,
    /// Steps of each run; `None`: enough for the finding to come up again.
    pub steps: Option<u64>,
    /// Folder for the runs, which are removed one after the other.
    pub scratch: PathBuf,
    /// Ends the proof at the next step boundary once it is true.
    pub stop: Arc<AtomicBool>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The remedy moves the finding's own statistic.
    Confirmed,
    /// It does not: the finding is withdrawn.
    Withdrawn,
    /// The finding did not come up again without the remedy, so nothing can be said.
    NotReproduced,
}

/// Result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Seed of the run.
    pub seed: u64,
    /// The finding's statistic at the end; `None` if it is within its limits.
    pub statistic: Option<f64>,
    /// Mean training loss of the last quarter of the steps; `None` if it is not finite.
    pub loss: Option<f64>,
    /// Accuracy on the validation split at the end.
    pub accuracy: Option<f64>,
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
    /// What came of it.
    pub verdict: Verdict,
    /// Step both arms start from; 0: afresh.
    pub from_step: u64,
    /// Steps of each run.
    pub steps: u64,
    /// The limit of the statistic; of several, such as for a warning and an error, the nearest to what is healthy.
    pub threshold: f64,
    /// Without the remedy, one entry a seed.
    pub without: Vec<Arm>,
    /// With it, one entry a seed.
    pub with: Vec<Arm>,
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
    let steps = options.steps.unwrap_or(if from_start { finding.first_step + WINDOWS } else { WINDOWS });
    let mut proof = Proof {
        code: finding.code.clone(),
        layer: finding.layer.clone(),
        remedy: treatment.remedy.describe(),
        remedy_number: treatment.number,
        verdict: Verdict::NotReproduced,
        from_step: 0,
        steps,
        threshold: finding.threshold,
        without: Vec::new(),
        with: Vec::new(),
    };
    for seed in (0..options.seeds.max(1)).map(|offset| original.train.seed + offset) {
        for with in [false, true] {
            let name = if with { "with the remedy" } else { "without" };
            progress(&format!("{} {name}, seed {seed}, {steps} steps", finding.code));
            let config =
                Config { train: seeded(&original, treatment, with, seed), ..chosen(&original, treatment, with) };
            let surgery = treatment.surgery.as_ref().filter(|_| with);
            let continuation = Fork { run: folder, config, surgery, from_start };
            let runner = Runner { finding, continuation, steps, options };
            let Outcome { arm, limit, from_step } = runner.run(seed)?;
            if options.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            proof.from_step = from_step;
            let high = finding.measured > finding.threshold;
            let stricter = if high { f64::min } else { f64::max };
            proof.threshold = limit.map_or(proof.threshold, |limit| stricter(proof.threshold, limit));
            if with { proof.with.push(arm) } else { proof.without.push(arm) }
        }
    }
    proof.verdict = verdict(&proof);
    Ok(Some(proof))
}

/// Notes `proof` in the record of its finding in the run's summary.
///
/// # Errors
/// The summary cannot be read or written.
pub fn record_proof(folder: &RunFolder, proof: &Proof) -> Result<(), TrainError> {
    let mut summary = folder.read_summary()?;
    let document = serde_json::to_value(proof).map_err(|error| TrainError::run(&folder.summary(), error))?;
    for finding in &mut summary.findings {
        if finding["code"] == proof.code.as_str() && finding["layer"].as_str() == proof.layer.as_deref() {
            finding[RECORD] = document.clone();
            finding["withdrawn"] = (proof.verdict == Verdict::Withdrawn).into();
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
    /// Whether it is a proof of `finding`.
    pub fn concerns(&self, finding: &Finding) -> bool {
        self.code == finding.code && self.layer == finding.layer
    }

    /// Whether the remedy makes the training loss worse in most of the seeds by more than a tenth, or not a number.
    pub fn raises_loss(&self) -> bool {
        let pairs = self.without.iter().zip(&self.with);
        let raised = pairs.filter(|(without, with)| match (without.loss, with.loss) {
            (Some(without), Some(with)) => with > without + LEAST_CHANGE * without.abs(),
            (without, with) => without.is_some() && with.is_none(),
        });
        2 * raised.count() > self.with.len()
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

/// What one run of the proof showed.
struct Outcome {
    arm: Arm,
    /// The limit its statistic is beyond.
    limit: Option<f64>,
    from_step: u64,
}

/// One run of the proof.
struct Runner<'a> {
    finding: &'a Finding,
    continuation: Fork<'a>,
    steps: u64,
    options: &'a ProofOptions,
}

/// Collects losses and stops after a number of steps, or when the whole proof is to stop.
struct Losses<'a> {
    values: Vec<f64>,
    steps: usize,
    stop: Arc<AtomicBool>,
    stop_all: &'a AtomicBool,
}

impl TrainingObserver for Losses<'_> {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Step(step) = event {
            self.values.push(step.loss);
            let enough = self.values.len() >= self.steps;
            self.stop.store(enough || self.stop_all.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

impl Runner<'_> {
    fn run(&self, seed: u64) -> Result<Outcome, TrainError> {
        let folder = fork(&self.continuation, &self.options.scratch, "arm")?;
        let begun = crate::runs::Checkpoint::<crate::runs::TrainingState>::read(&folder.last_checkpoint())?;
        let stop = Arc::new(AtomicBool::new(false));
        let steps = self.steps.max(1) as usize;
        let mut losses = Losses { values: Vec::new(), steps, stop: Arc::clone(&stop), stop_all: &self.options.stop };
        let mut trainer = Training::resume(folder.path())?.with_stop(stop);
        if self.continuation.from_start {
            // The start is judged only in a training that begins.
            std::fs::remove_file(folder.last_checkpoint())
                .map_err(|e| TrainError::run(&folder.last_checkpoint(), e))?;
            trainer = self.with_surgery_at_start(trainer, &begun, &folder)?;
        }
        match trainer.run(&mut losses) {
            Ok(_) | Err(TrainError::NonFinite { .. }) => {}
            Err(error) => return Err(error),
        }
        let last = &losses.values[losses.values.len() * 3 / 4..];
        let loss = last.iter().sum::<f64>() / last.len() as f64;
        let from_step = begun.description.step;
        let beyond = self.statistic(&findings_of(&folder)?, from_step + losses.values.len() as u64);
        let accuracy = validation_accuracy(&folder)?;
        let _ = std::fs::remove_dir_all(folder.path());
        let (statistic, limit) = (beyond.map(|(statistic, _)| statistic), beyond.map(|(_, limit)| limit));
        Ok(Outcome { arm: Arm { seed, statistic, loss: loss.is_finite().then_some(loss), accuracy }, limit, from_step })
    }

    /// A start with changed weights keeps its checkpoint.
    fn with_surgery_at_start(
        &self,
        trainer: Training,
        begun: &crate::runs::Checkpoint<crate::runs::TrainingState>,
        folder: &RunFolder,
    ) -> Result<Training, TrainError> {
        if self.continuation.surgery.is_some() {
            begun.write(&folder.last_checkpoint())?;
        }
        Ok(trainer)
    }

    /// The statistic of the finding at the end of a run of `steps`, and its limit; `None` if it is within its limits again.
    fn statistic(&self, findings: &[Finding], steps: u64) -> Option<(f64, f64)> {
        let same = |finding: &&Finding| finding.code == self.finding.code && finding.layer == self.finding.layer;
        let found = findings.iter().find(same)?;
        let recovered = found.last_step > 0 && found.last_step + WINDOWS / 2 < steps;
        if recovered {
            return None;
        }
        let latest = found.evidence.as_ref().and_then(|evidence| evidence.values.last().copied());
        Some((latest.unwrap_or(found.measured), found.threshold))
    }
}

fn validation_accuracy(folder: &RunFolder) -> Result<Option<f64>, TrainError> {
    let config = config_of(folder)?;
    if !folder.last_checkpoint().exists() {
        return Ok(None);
    }
    let pool = threads::pool(config.train.threads).map_err(|error| {
        TrainError::setting("train.threads", format!("cannot start threads: {error}; ask for fewer"))
    })?;
    pool.install(|| {
        let mut session = Session::new(&config, load_data(&config)?)?;
        session.read_last(&config.fingerprint(), &folder.last_checkpoint())?;
        let validation = session.data().validation.clone();
        let metrics = session.evaluate_watched(&validation, Detail::Brief, |_| {})?;
        Ok(metrics.and_then(|metrics| metrics.accuracy))
    })
}

/// Confirmed if over the seeds in which the finding came up again the statistic left the range or moved towards it in
/// most, by at least a tenth of its distance.
fn verdict(proof: &Proof) -> Verdict {
    let pairs = proof.without.iter().zip(&proof.with);
    let reproduced: Vec<(f64, Option<f64>)> =
        pairs.filter_map(|(without, with)| Some((without.statistic?, with.statistic))).collect();
    if reproduced.is_empty() {
        return Verdict::NotReproduced;
    }
    let distance = |value: f64| (value - proof.threshold).abs();
    let moved = reproduced.iter().filter(|(without, with)| match with {
        None => true,
        Some(with) => distance(*with) < (1.0 - LEAST_CHANGE) * distance(*without),
    });
    if 2 * moved.count() > reproduced.len() { Verdict::Confirmed } else { Verdict::Withdrawn }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof_of(without: Vec<Arm>, with: Vec<Arm>) -> Proof {
        Proof {
            code: "K010".into(),
            layer: None,
            remedy: String::new(),
            remedy_number: 1,
            verdict: Verdict::NotReproduced,
            from_step: 0,
            steps: 10,
            threshold: 1.0,
            without,
            with,
        }
    }

    #[test]
    fn a_remedy_that_costs_loss_is_known() {
        let arms = |losses: [Option<f64>; 3]| {
            losses.map(|loss| Arm { seed: 0, statistic: None, loss, accuracy: None }).to_vec()
        };
        let cases = [
            ([Some(1.0), Some(1.0), Some(1.0)], [Some(2.0), Some(2.0), Some(0.5)], true),
            ([Some(1.0), Some(1.0), Some(1.0)], [Some(1.05), Some(1.05), Some(1.05)], false),
            ([Some(1.0), Some(1.0), None], [None, None, None], true),
            ([None, None, None], [Some(9.0), Some(9.0), None], false),
        ];
        for (without, with, expected) in cases {
            assert_eq!(proof_of(arms(without), arms(with)).raises_loss(), expected, "{without:?} {with:?}");
        }
    }

    #[test]
    fn a_statistic_that_does_not_move_withdraws_the_finding() {
        let arm = |statistic| Arm { seed: 0, statistic, loss: Some(1.0), accuracy: None };
        let cases: [(&[Option<f64>], &[Option<f64>], Verdict); 6] = [
            (&[Some(9.0), Some(8.0)], &[None, None], Verdict::Confirmed),
            (&[Some(9.0), Some(8.0)], &[Some(2.0), Some(2.0)], Verdict::Confirmed),
            (&[Some(9.0), Some(8.0)], &[Some(9.0), Some(7.9)], Verdict::Withdrawn),
            (&[Some(9.0), Some(8.0)], &[Some(2.0), Some(9.0)], Verdict::Withdrawn),
            (&[None, None], &[None, None], Verdict::NotReproduced),
            (&[None, Some(8.0)], &[Some(9.0), None], Verdict::Confirmed),
        ];
        for (without, with, expected) in cases {
            let arms = |statistics: &[Option<f64>]| statistics.iter().map(|&statistic| arm(statistic)).collect();
            let proof = proof_of(arms(without), arms(with));
            assert_eq!(verdict(&proof), expected, "{without:?} {with:?}");
        }
    }
}
