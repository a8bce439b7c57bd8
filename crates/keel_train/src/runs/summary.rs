//! `summary.json`: the summary of a run.

use std::path::Path;

use keel_data::ColumnReport;
use keel_health::Finding;
use serde::{Deserialize, Serialize};

use crate::auto::Choice;
use crate::config::{ClassWeights, Config};
use crate::error::TrainError;
use crate::metrics::{Metrics, finite};
use keel_data::shell_path;

/// Status of a run. It is `running` from the start until it ends, so that a killed run is never shown as finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In progress, or killed.
    Running,
    /// All epochs completed, or stopped early as configured.
    Finished,
    /// Ended by the user or a limit; can be resumed.
    Stopped,
    /// Ended by an error.
    Failed,
}

/// Version of `summary.json`: 2 added the field `format`.
pub const FORMAT: u64 = 2;

fn first_format() -> u64 {
    1
}

/// Summary of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the format; [`FORMAT`] if written by this program.
    #[serde(default = "first_format")]
    pub format: u64,
    /// Status of the run.
    pub status: Status,
    /// Reason why it stopped or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Name of the data.
    pub data: String,
    /// [`keel_data::SplitDataset::fingerprint`] of the data; absent in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_fingerprint: Option<String>,
    /// Metrics by part of the data, with the best weights.
    pub metrics: PartMetrics,
    /// Number of completed epochs.
    pub epochs: u64,
    /// Epoch whose weights were kept, counted from 1; 0 = none yet.
    pub best_epoch: u64,
    /// Number of completed steps.
    pub steps: u64,
    /// Number of steps if nothing ends it early; absent in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_steps: Option<u64>,
    /// Seconds of training.
    #[serde(default = "finite::absent", with = "finite")]
    pub seconds: f64,
    /// Time of the first step after the last start, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_step_at: Option<f64>,
    /// Training samples per second.
    #[serde(default = "finite::absent", with = "finite")]
    pub samples_per_second: f64,
    /// `train.seed`.
    pub seed: u64,
    /// Findings of the health rules, causes first.
    pub findings: Vec<serde_json::Value>,
    /// One row per layer.
    pub layers: Vec<LayerSummary>,
    /// Treatment of each column; empty except for tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnReport>,
    /// Inferences and additions made while building the model, one sentence each.
    pub inferred: Vec<String>,
    /// Automatic choices, with reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Reasons why the results may differ from those of an uninterrupted run, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Version of Evenkeel.
    pub version: String,
    /// Machine it ran on.
    pub machine: Machine,
    /// Number, waiting time and traffic of several ranks; `None` for a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RankSummary>,
}

/// Number, waiting time and traffic of several ranks since the last start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankSummary {
    /// Number of ranks.
    pub count: usize,
    /// Fraction of its time, 0 to 1, that the first rank waited for others.
    pub waited: f64,
    /// Average number of bytes that the first rank sent per step.
    pub sent_bytes_per_step: f64,
}

impl Summary {
    /// Parses the text of a `summary.json` at `path`.
    ///
    /// # Errors
    /// [`TrainError::Run`] if it is not a summary, or of a later version.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Summary, TrainError> {
        #[derive(Deserialize)]
        struct Format {
            #[serde(default = "first_format")]
            format: u64,
        }
        // A later version may have other fields, so its number is read separately.
        match serde_json::from_str::<Format>(text) {
            Ok(Format { format }) if format > FORMAT => {
                let reason = format!("format version {format}; this program knows versions up to {FORMAT}");
                Err(TrainError::of_file(path, reason, "use a later version of Evenkeel"))
            }
            _ => serde_json::from_str(text).map_err(|error| {
                let run = shell_path(path.parent().unwrap_or(Path::new("")));
                let next = format!("restore the file, or let `evenkeel train --resume {run}` write it again");
                TrainError::of_file(path, format!("damaged, or not a summary: {error}"), next)
            }),
        }
    }

    /// Returns the findings, causes first.
    ///
    /// # Errors
    /// If a finding of another version cannot be read.
    pub fn read_findings(&self) -> Result<Vec<Finding>, TrainError> {
        let read = |value: &serde_json::Value| {
            serde_json::from_value(value.clone()).map_err(|error| {
                let next = "use the version of Evenkeel that wrote the run";
                TrainError::of_file(Path::new("summary.json"), error, next)
            })
        };
        self.findings.iter().map(read).collect()
    }
}

/// Metrics by part of the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PartMetrics {
    /// Training split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Metrics>,
    /// Validation split.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "val")]
    pub validation: Option<Metrics>,
    /// Test split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Metrics>,
}

impl PartMetrics {
    /// Returns name and metrics of the test split, or of the validation split if there is no test split, if the model does not
    /// outperform a constant guess on it. With class weights in `config`, training does not aim at accuracy: returns `None`.
    pub fn no_better_than_guess(&self, config: &Config) -> Option<(&'static str, &Metrics)> {
        let (name, metrics) = match (&self.test, &self.validation) {
            (Some(test), _) => ("test", test),
            (None, Some(validation)) => ("validation", validation),
            (None, None) => return None,
        };
        let is_weighted = config.train.class_weights != ClassWeights::default();
        (!is_weighted && metrics.is_no_better_than_guess()).then_some((name, metrics))
    }
}

/// One layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Unique name, `conv2d_1`.
    pub name: String,
    /// Kind, `conv2d`.
    pub kind: String,
    /// Description, `3x3, 32 -> 64`.
    pub description: String,
    /// Shape of one output sample.
    pub output_shape: Vec<usize>,
    /// Number of learned parameters.
    pub parameters: usize,
    /// Resolved initialiser of its weights, or the file they were read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
}

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Machine of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor architecture.
    pub architecture: String,
    /// Operating system.
    pub system: String,
    /// Vector instructions in use.
    pub simd: String,
    /// Number of threads.
    pub threads: usize,
}

impl Machine {
    /// Describes this machine, with the threads of the caller's pool.
    pub fn this() -> Self {
        Machine {
            architecture: std::env::consts::ARCH.to_owned(),
            system: std::env::consts::OS.to_owned(),
            simd: keel_kernels::simd::level().name().to_owned(),
            threads: rayon::current_num_threads(),
        }
    }
}
