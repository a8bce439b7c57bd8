//! The record of a treatment as a document: findings, attempts and changes, with numbers.

use keel_health::{Finding, Level};
use serde::{Deserialize, Serialize};

use super::proposal::Proposal;
use crate::config::Config;
use crate::metrics::MetricName;
use crate::remedies::{Comparison, RunResult};

/// Record of a treatment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Name of the data.
    pub data: String,
    /// Name of the score that results are compared by: accuracy or R2, or the metric in the config.
    pub score: String,
    /// The same as a value; absent until a training run has a score, and in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricName>,
    /// Seed of the first training.
    pub seed: u64,
    /// Number of epochs of the given config.
    pub epochs: u64,
    /// Number of epochs that were trained each time; fewer than `epochs` if the time does not allow all.
    pub trained_epochs: u64,
    /// Findings of the initial config above level info, causes first.
    pub found: Vec<Found>,
    /// Validation result of the first training run.
    pub first: RunResult,
    /// Changes that were tried, in order.
    pub attempts: Vec<Attempt>,
    /// Settings of the final config that differ from the initial ones.
    pub changes: Vec<SettingChange>,
    /// Remaining findings above level info.
    pub left: Vec<Found>,
    /// Results of the initial config, over seeds that were not used for decisions.
    pub start: Vec<Measured>,
    /// Results of the final config, over the same seeds.
    pub end: Vec<Measured>,
    /// Comparison of the final and the initial config on the validation split; `None` if nothing was changed or the doctor was
    /// stopped before.
    pub comparison: Option<Comparison>,
    /// Outcome; `None` while it is running.
    pub ending: Option<Ending>,
    /// Number of training runs that have begun.
    pub trainings: u64,
    /// Duration in seconds.
    pub seconds: f64,
}

impl Story {
    /// Creates the record for the training run of `config` on the data `data`.
    pub(super) fn begun(config: &Config, data: &str) -> Self {
        Story {
            data: data.to_owned(),
            score: String::new(),
            metric: None,
            seed: config.train.seed,
            epochs: config.train.epochs,
            trained_epochs: config.train.epochs,
            found: Vec::new(),
            first: RunResult::default(),
            attempts: Vec::new(),
            changes: Vec::new(),
            left: Vec::new(),
            start: Vec::new(),
            end: Vec::new(),
            comparison: None,
            ending: None,
            trainings: 0,
            seconds: 0.0,
        }
    }
}

/// Summary of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Code of the rule.
    pub code: String,
    /// Name of the rule.
    pub rule: String,
    /// Key of the kind of the finding among those of its rule.
    #[serde(default)]
    pub kind: String,
    /// Level of the finding.
    pub level: Level,
    /// Layer of the finding; `None` for the whole network or the data.
    pub layer: Option<String>,
    /// Message, one sentence.
    pub message: String,
}

impl Found {
    /// Returns the causes among `findings` above level info.
    pub(super) fn causes(findings: &[Finding]) -> Vec<Found> {
        let causes = findings.iter().filter(|finding| finding.is_root() && finding.level > Level::Info);
        causes.map(Found::of).collect()
    }

    fn of(finding: &Finding) -> Found {
        let Finding { code, rule, kind, level, layer, message, .. } = finding.clone();
        Found { code, rule, kind, level, layer, message }
    }
}

/// One change that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Code of the finding that suggested it, or `advice`.
    pub because: String,
    /// Reason in words, in English.
    pub reason: String,
    /// Change, as an instruction, in English.
    pub change: String,
    /// The same change and reason as a value; absent in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// Settings that differ.
    pub settings: Vec<SettingChange>,
    /// Validation results without it, one per seed.
    pub without: Vec<RunResult>,
    /// Validation results with it, over the same seeds.
    pub with: Vec<RunResult>,
    /// Outcome of the attempt.
    pub judgement: Judgement,
    /// Reason why it was rejected, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Attempt {
    /// Returns the change in Chinese; `None` in records of older versions.
    pub fn chinese_change(&self) -> Option<String> {
        self.proposal.as_ref().map(|proposal| proposal.instruction().chinese)
    }

    /// Returns the reason in Chinese; `None` in records of older versions.
    pub fn chinese_reason(&self) -> Option<String> {
        self.proposal.as_ref()?.chinese_reason(&self.because)
    }
}

/// Outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Better beyond the spread over seeds, and kept.
    Helped,
    /// Better than without it at first, but another change of the same kind was better still.
    Outdone,
    /// Better with the seed whose result was worst without it, and not yet compared over several seeds.
    Promising,
    /// Better on average, within the spread over seeds.
    WithinSpread,
    /// Not better with the seed whose result was worst without it, and discarded.
    DidNotHelp,
    /// The change does not fit the config, the data or the model.
    Refused,
}

/// One setting before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// Dotted key.
    pub key: String,
    /// Value before, as TOML; empty if there was none.
    pub before: String,
    /// Value after, as TOML; empty if there is none.
    pub after: String,
}

/// Results of one training run of the final comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seed of the training run.
    pub seed: u64,
    /// Result on the validation split, which is used for decisions.
    pub validation: RunResult,
    /// Result on the test split, which is only reported.
    pub test: RunResult,
}

/// Outcome of a treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The final config is better than the initial one, beyond the spread over seeds.
    Better,
    /// Changes were kept, but over the seeds of the comparison the final config is not better.
    NotBetter,
    /// Nothing that was tried helped.
    NothingHelped,
    /// Nothing was wrong initially, and nothing had to be done.
    Healthy,
    /// The doctor was stopped before the comparison.
    Stopped,
}

impl Ending {
    /// Returns true if the training run works better than before, or was healthy from the start.
    pub fn is_good(self) -> bool {
        matches!(self, Ending::Better | Ending::Healthy)
    }
}
