//! `summary.json`: a run in brief.

use std::path::Path;

use keel_data::ColumnReport;
use keel_health::Finding;
use serde::{Deserialize, Serialize};

use crate::auto::Choice;
use crate::error::TrainError;
use crate::metrics::{Metrics, finite};

/// How a run stands. It is `running` from its first moment until it says otherwise, so a killed run is never shown as
/// finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Under way, or killed.
    Running,
    /// All epochs done, or stopped early as configured.
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

/// A run in brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the format, [`FORMAT`] where this program wrote it.
    #[serde(default = "first_format")]
    pub format: u64,
    /// How the run stands.
    pub status: Status,
    /// Why it stopped or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Name of the data.
    pub data: String,
    /// [`keel_data::SplitDataset::fingerprint`] of the data; runs of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_fingerprint: Option<String>,
    /// Metrics by part of the data, those of the best weights.
    pub metrics: PartMetrics,
    /// Epochs completed.
    pub epochs: u64,
    /// Epoch whose weights were kept, counted from 1; 0 = none yet.
    pub best_epoch: u64,
    /// Steps done.
    pub steps: u64,
    /// Steps it is to take, if nothing ends it early; runs of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_steps: Option<u64>,
    /// Seconds trained.
    #[serde(default = "finite::absent", with = "finite")]
    pub seconds: f64,
    /// When the first step of the last start was done, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_step_at: Option<f64>,
    /// Training samples per second.
    #[serde(default = "finite::absent", with = "finite")]
    pub samples_per_second: f64,
    /// `train.seed`.
    pub seed: u64,
    /// What the health rules found, causes first.
    pub findings: Vec<serde_json::Value>,
    /// One row per layer.
    pub layers: Vec<LayerSummary>,
    /// What became of each column; empty but for tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnReport>,
    /// What was inferred or added while building the model, one sentence each.
    pub inferred: Vec<String>,
    /// What was chosen automatically, with reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// What may make the results differ from those of a run that never stopped, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Version of Evenkeel.
    pub version: String,
    /// Where it ran.
    pub machine: Machine,
    /// Number, waiting time and traffic of several ranks; none for a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RankSummary>,
}

/// Number, waiting time and traffic of several ranks since the last start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankSummary {
    /// Number of ranks.
    pub count: usize,
    /// Share of its time, 0 to 1, that the first rank waited for others.
    pub waited: f64,
    /// Bytes the first rank sent in a step, on average.
    pub sent_bytes_per_step: f64,
}

impl Summary {
    /// Reads the text of a `summary.json` at `path`.
    ///
    /// # Errors
    /// [`TrainError::Run`] if it is no summary, or one of a later version.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Summary, TrainError> {
        #[derive(Deserialize)]
        struct Format {
            #[serde(default = "first_format")]
            format: u64,
        }
        // A later version may have other fields, so its number is read by itself.
        match serde_json::from_str::<Format>(text) {
            Ok(Format { format }) if format > FORMAT => {
                let message = format!(
                    "format version {format}; this program knows versions up to {FORMAT}; use a later version of Evenkeel"
                );
                Err(TrainError::run(path, message))
            }
            _ => serde_json::from_str(text).map_err(|error| TrainError::run(path, error)),
        }
    }

    /// The findings, causes first.
    ///
    /// # Errors
    /// A finding of another version that cannot be read.
    pub fn read_findings(&self) -> Result<Vec<Finding>, TrainError> {
        let read = |value: &serde_json::Value| {
            serde_json::from_value(value.clone()).map_err(|error| TrainError::run(Path::new("summary.json"), error))
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

/// One layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Unique name, `conv2d_1`.
    pub name: String,
    /// Kind, `conv2d`.
    pub kind: String,
    /// What it does, `3x3, 32 -> 64`.
    pub description: String,
    /// Shape of one output sample.
    pub output_shape: Vec<usize>,
    /// Learned numbers.
    pub parameters: usize,
    /// Resolved initialiser of its weights, or the file they come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
}

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The machine of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor architecture.
    pub architecture: String,
    /// Operating system.
    pub system: String,
    /// Vector instructions in use.
    pub simd: String,
    /// Threads used.
    pub threads: usize,
}

impl Machine {
    /// This machine, with the threads of the pool the caller is in.
    pub fn this() -> Self {
        Machine {
            architecture: std::env::consts::ARCH.to_owned(),
            system: std::env::consts::OS.to_owned(),
            simd: keel_kernels::simd::level().name().to_owned(),
            threads: rayon::current_num_threads(),
        }
    }
}
