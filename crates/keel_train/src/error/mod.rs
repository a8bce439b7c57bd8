//! Errors of a training run.

mod checkpoint_error;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use keel_data::DataError;
use keel_health::rules::non_finite;
use keel_nn::GraphError;
use keel_ranks::RankError;

pub use checkpoint_error::CheckpointError;

use crate::config::ConfigError;

/// Reason why a training run was rejected or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The config is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data cannot be read or used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The layers do not fit the data or each other.
    #[error(transparent)]
    Model(#[from] GraphError),
    /// The loss does not fit the network or the targets.
    #[error("train.loss: {0}")]
    Loss(#[from] keel_nn::losses::LossError),
    /// A checkpoint or model file cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file or folder of the run cannot be written or read.
    #[error("{}: {reason}; {next}", path.display())]
    Run {
        /// Path of the file or folder.
        path: PathBuf,
        /// Reason given by the system or the database.
        reason: String,
        /// Next step for the user.
        next: Cow<'static, str>,
    },
    /// The data of a run has changed since the run was trained.
    #[error(
        "data: {} was trained on {what}; give the data it was trained on, allow the change with \
         --allow-changed-data, or train a new run",
        run.display()
    )]
    ChangedData {
        /// Folder of the run, or file of its model.
        run: PathBuf,
        /// The data that it was trained on, compared with the data given.
        what: String,
    },
    /// The ranks cannot continue together.
    #[error("{0}{hint}", hint = checkpoint_hint(.0))]
    Ranks(#[from] RankError),
    /// Settings, data and model do not fit each other.
    #[error("{field}: {message}")]
    Setting {
        /// Dotted key of the config.
        field: &'static str,
        /// Problem and next step.
        message: String,
    },
    /// No epoch has a finite result (rule [`non_finite`]).
    #[error(
        "{code}: no epoch has a finite {split} result{samples}; look for extreme values in the data, or lower \
         optimizer.learning_rate",
        code = non_finite::CODE
    )]
    NoResult {
        /// `validation` or `training`.
        split: &'static str,
        /// Samples without a result, as a clause.
        samples: String,
    },
    /// The loss is no longer finite (rule [`non_finite`]).
    #[error(
        "{code}: the loss or its gradient became {loss} at step {step} (epoch {epoch}): {account}; lower \
         optimizer.learning_rate, set optimizer.clip_norm, or look for extreme values in the data",
        code = non_finite::CODE
    )]
    NonFinite {
        /// Value of the loss: NaN or infinite.
        loss: f64,
        /// Step, counted from 1.
        step: u64,
        /// Epoch, counted from 1.
        epoch: u64,
        /// Findings of the flight recorder in the replayed step.
        account: String,
    },
}

/// Returns the next step after a rank was lost in training; empty if the ranks never connected.
fn checkpoint_hint(error: &RankError) -> &'static str {
    match error {
        RankError::Lost { .. } | RankError::Silent { .. } => {
            "; if the run has a checkpoint, continue from it with `evenkeel train --resume RUN`, on any number of ranks"
        }
        _ => "",
    }
}

impl TrainError {
    /// Returns the dotted key of the config that the error refers to, if any; the value may be a default.
    pub fn key(&self) -> Option<String> {
        match self {
            TrainError::Setting { field, .. } => Some((*field).to_owned()),
            TrainError::Data(DataError::Setting { field, .. }) => field.split(',').next().map(str::to_owned),
            TrainError::Model(GraphError::Layer { place, .. } | GraphError::Residual { place, .. }) => {
                Some(format!("model.layers.{place}"))
            }
            TrainError::Loss(_) => Some("train.loss".to_owned()),
            TrainError::ChangedData { .. } => Some("data".to_owned()),
            _ => None,
        }
    }

    /// Returns the error for a file or folder of a run that cannot be written.
    pub(crate) fn run(path: &Path, reason: impl ToString) -> Self {
        let next = "check that the folder exists, is writable and has free space, or set run.directory";
        TrainError::of_file(path, reason, next)
    }

    /// Returns the error for a file of a run that cannot be read.
    pub(crate) fn unreadable(path: &Path, reason: impl ToString) -> Self {
        TrainError::of_file(path, reason, "check that the file exists and that you may read it")
    }

    /// Returns the error for a file or folder of a run, with the next step.
    pub(crate) fn of_file(path: &Path, reason: impl ToString, next: impl Into<Cow<'static, str>>) -> Self {
        TrainError::Run { path: path.to_owned(), reason: reason.to_string(), next: next.into() }
    }

    pub(crate) fn setting(field: &'static str, message: impl Into<String>) -> Self {
        TrainError::Setting { field, message: message.into() }
    }
}
