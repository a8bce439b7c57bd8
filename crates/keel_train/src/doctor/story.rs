//! The story of a treatment as a document: findings, attempts and changes, with numbers.

use keel_health::{Finding, Level};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::remedies::{Comparison, RunResult};

/// Everything that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Name of the data.
    pub data: String,
    /// Name of the score results are compared by: accuracy or R2, or the metric the config names.
    pub score: String,
    /// Seed of the first training.
    pub seed: u64,
    /// Epochs of the config that was given.
    pub epochs: u64,
    /// Epochs that were trained each time; fewer than `epochs` where the time does not allow all.
    pub trained_epochs: u64,
    /// Findings of the start that are no remarks, causes first.
    pub found: Vec<Found>,
    /// Validation result of the first training.
    pub first: RunResult,
    /// Changes that were tried, in order.
    pub attempts: Vec<Attempt>,
    /// Settings of the end that differ from those of the start.
    pub changes: Vec<SettingChange>,
    /// Findings that are left at the end and are no remarks.
    pub left: Vec<Found>,
    /// The start, over seeds that decided nothing.
    pub start: Vec<Measured>,
    /// The end, over the same seeds.
    pub end: Vec<Measured>,
    /// The end against the start on the validation split; `None` where nothing was changed or it was stopped before.
    pub comparison: Option<Comparison>,
    /// Its end; `None` while it goes on.
    pub ending: Option<Ending>,
    /// Trainings begun.
    pub trainings: u64,
    /// Seconds taken.
    pub seconds: f64,
}

impl Story {
    /// Nothing done yet for the training of `config` on the data `data`.
    pub(super) fn begun(config: &Config, data: &str) -> Self {
        Story {
            data: data.to_owned(),
            score: String::new(),
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

/// A finding in brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Code of its rule.
    pub code: String,
    /// Name of its rule.
    pub rule: String,
    /// Its level.
    pub level: Level,
    /// Its layer; `None` for the whole network or the data.
    pub layer: Option<String>,
    /// The message, one sentence.
    pub message: String,
}

impl Found {
    /// The causes among `findings` that are no remarks.
    pub(super) fn causes(findings: &[Finding]) -> Vec<Found> {
        let causes = findings.iter().filter(|finding| finding.is_root() && finding.level > Level::Info);
        causes.map(Found::of).collect()
    }

    fn of(finding: &Finding) -> Found {
        let Finding { code, rule, level, layer, message, .. } = finding.clone();
        Found { code, rule, level, layer, message }
    }
}

/// One change that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Why it was tried: the code of a finding, or `advice`.
    pub because: String,
    /// The reason in words.
    pub reason: String,
    /// The change, as an instruction.
    pub change: String,
    /// Settings that differ.
    pub settings: Vec<SettingChange>,
    /// Validation results without it, one a seed.
    pub without: Vec<RunResult>,
    /// Validation results with it, over the same seeds.
    pub with: Vec<RunResult>,
    /// Outcome of the attempt.
    pub judgement: Judgement,
    /// Why it was refused, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// Outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Better beyond the spread over seeds, and kept.
    Helped,
    /// Better beyond the first look, but another change of the same kind was better still.
    Outdone,
    /// Better in the mean, within the spread over seeds.
    WithinSpread,
    /// Not better with the seed that went worst without it, so it was given up.
    DidNotHelp,
    /// It does not fit the config, the data or the model.
    Refused,
}

/// One setting before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// Dotted key.
    pub key: String,
    /// Value before, as TOML; empty where there was none.
    pub before: String,
    /// Value after, as TOML; empty where there is none.
    pub after: String,
}

/// Results of one training of the comparison at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its seed.
    pub seed: u64,
    /// On the validation split, which decides.
    pub validation: RunResult,
    /// On the test split, which is only reported.
    pub test: RunResult,
}

/// End of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The end is better than the start, beyond the spread over seeds.
    Better,
    /// Changes were kept, but over the seeds of the comparison the end is not better than the start.
    NotBetter,
    /// Nothing that was tried helped.
    NothingHelped,
    /// Nothing was wrong at the start, and nothing had to be done.
    Healthy,
    /// It was stopped before the comparison.
    Stopped,
}

impl Ending {
    /// True if the training works better than before, or was healthy from the start.
    pub fn is_good(self) -> bool {
        matches!(self, Ending::Better | Ending::Healthy)
    }
}
