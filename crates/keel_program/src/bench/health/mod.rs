//! Fault suite of the health rules: training runs with one known fault each, and as many healthy ones.
//!
//! Every fault is built into three kinds of networks and trained with several seeds, in memory and with the health rules, like
//! any training run. The findings are compared with the known faults. Thresholds are calibrated on other seeds than those
//! scored here ([`CALIBRATION_SEED`], [`SCORING_SEED`]).

pub(crate) mod cases;
mod faults;
mod generated;
mod healthy;
mod networks;
mod progress;
mod samples;
mod score;
mod statistics;
pub(crate) mod study;
mod watched_run;
mod workers;

use keel_health::Finding;
use rayon::prelude::*;

use crate::failure::Stop;

pub(crate) use faults::FAULTS;
pub(crate) use healthy::HEALTHY;
pub(crate) use score::{score, table};
pub(crate) use statistics::{distributions, distributions_table};

use networks::{Architecture, Recipe};
use watched_run::{Outcome, train};

/// First seed of the runs that are scored.
pub(crate) const SCORING_SEED: u64 = 2000;
/// First seed of the runs on which thresholds are calibrated.
pub(crate) const CALIBRATION_SEED: u64 = 1;

/// A training run with one fault.
pub(crate) struct Fault {
    /// Name for `--only`.
    pub(crate) name: &'static str,
    /// Summary of the fault in a few words.
    pub(crate) summary: &'static str,
    /// Codes one of which the leading finding must have.
    pub(crate) roots: &'static [&'static str],
    /// Further codes that indicate the fault.
    pub(crate) symptoms: &'static [&'static str],
    /// True if the rules should report it at level info.
    pub(crate) remark: bool,
    /// Returns the training run.
    pub(crate) recipe: fn(Architecture) -> Recipe,
}

/// A healthy training run.
pub(crate) struct Healthy {
    /// Name for `--only`.
    pub(crate) name: &'static str,
    /// Summary of its peculiarity in a few words.
    pub(crate) summary: &'static str,
    /// Returns the training run.
    pub(crate) recipe: fn(Architecture) -> Recipe,
}

/// A finished training run of the suite.
#[derive(Debug)]
pub(crate) struct SuiteRun {
    /// Name of the fault or of the healthy variant.
    pub(crate) name: &'static str,
    /// Index in [`FAULTS`]; `None` for a healthy run.
    pub(crate) fault: Option<usize>,
    /// Name of the network.
    pub(crate) network: &'static str,
    /// Seed of the run.
    pub(crate) seed: u64,
    /// Result of the run.
    pub(crate) outcome: Outcome,
}

impl SuiteRun {
    /// Findings, causes first.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.outcome.findings
    }
}

/// Trains every fault and variant named in `only` (all if empty) with `seeds` seeds from `first_seed`.
///
/// # Errors
/// If a training run cannot be built.
pub(crate) fn run(only: &[String], first_seed: u64, seeds: u64) -> Result<Vec<SuiteRun>, Stop> {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|chosen| chosen == name);
    let faults = FAULTS.iter().enumerate().map(|(index, fault)| (fault.name, Some(index), fault.recipe));
    let healthy = HEALTHY.iter().map(|healthy| (healthy.name, None, healthy.recipe));
    let mut planned = Vec::new();
    for (name, fault, recipe) in faults.chain(healthy) {
        let group = if fault.is_some() { "faults" } else { "healthy" };
        if wanted(name) || only.iter().any(|chosen| chosen == group) {
            for architecture in Architecture::ALL {
                planned.extend((first_seed..first_seed + seeds).map(|seed| (name, fault, recipe, architecture, seed)));
            }
        }
    }
    let runs = planned.into_par_iter().map(|(name, fault, recipe, architecture, seed)| {
        let outcome = train(&recipe(architecture), architecture, seed)?;
        Ok(SuiteRun { name, fault, network: architecture.name(), seed, outcome })
    });
    runs.collect()
}
