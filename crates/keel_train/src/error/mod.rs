//! Errors of a training.

mod checkpoint_error;

use std::path::{Path, PathBuf};

use keel_data::DataError;
use keel_health::rules::non_finite;
use keel_nn::GraphError;
use keel_ranks::RankError;

pub use checkpoint_error::CheckpointError;

use crate::config::ConfigError;

/// Why a training was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The config is wrong.
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
        /// The file or folder.
        path: PathBuf,
        /// The system's or the database's reason.
        reason: String,
        /// The next step.
        next: &'static str,
    },
    /// The ranks cannot go on together.
    #[error("{0}{hint}", hint = checkpoint_hint(.0))]
    Ranks(#[from] RankError),
    /// Settings, data and model do not go together.
    #[error("{field}: {message}")]
    Setting {
        /// Dotted key of the config.
        field: &'static str,
        /// The problem and the next step.
        message: String,
    },
    /// No epoch has a result that is a number (rule [`non_finite`]).
    #[error(
        "{code}: no epoch has a finite {split} result{samples}; look for extreme values in the data, or lower \
         optimizer.learning_rate",
        code = non_finite::CODE
    )]
    NoResult {
        /// `validation` or `training`.
        split: &'static str,
        /// The samples without a result, as a clause.
        samples: String,
    },
    /// The loss is no number any more (rule [`non_finite`]).
    #[error(
        "{code}: the loss or its gradient became {loss} at step {step} (epoch {epoch}): {account}; lower \
         optimizer.learning_rate, set optimizer.clip_norm, or look for extreme values in the data",
        code = non_finite::CODE
    )]
    NonFinite {
        /// NaN or infinite.
        loss: f64,
        /// Counted from 1.
        step: u64,
        /// Counted from 1.
        epoch: u64,
        /// Findings of the flight recorder in the replayed step.
        account: String,
    },
}

/// Returns the next step after a rank was lost in training; empty if the ranks never met.
fn checkpoint_hint(error: &RankError) -> &'static str {
    match error {
        RankError::Lost { .. } | RankError::Silent { .. } => {
            "; if the run has a checkpoint, go on from it with `evenkeel train --resume RUN`, on any number of ranks"
        }
        _ => "",
    }
}

impl TrainError {
    /// The dotted key of the config this is about, if it is about one; the key may be a default nobody wrote.
    pub fn key(&self) -> Option<String> {
        match self {
            TrainError::Setting { field, .. } => Some((*field).to_owned()),
            TrainError::Data(DataError::Setting { field, .. }) => field.split(',').next().map(str::to_owned),
            TrainError::Model(GraphError::Layer { place, .. } | GraphError::Residual { place, .. }) => {
                Some(format!("model.layers.{place}"))
            }
            TrainError::Loss(_) => Some("train.loss".to_owned()),
            _ => None,
        }
    }

    pub(crate) fn run(path: &Path, reason: impl ToString) -> Self {
        let next = "check that the folder exists, may be written and has room, or set run.directory";
        TrainError::Run { path: path.to_owned(), reason: reason.to_string(), next }
    }

    pub(crate) fn setting(field: &'static str, message: impl Into<String>) -> Self {
        TrainError::Setting { field, message: message.into() }
    }
}
