//! `model.safetensors`: weights with everything prediction needs.

use std::path::Path;

use keel_data::{Preprocessor, Schema, TrainingRanges};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::objective::{TargetScale, TrainingTargets};
use crate::runs::Checkpoint;

/// Description in the file's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelDescription {
    /// Resolved config, as TOML.
    pub(crate) config: String,
    /// Fitted preprocessing.
    pub(crate) preprocessor: Preprocessor,
    /// Shape, classes and columns of the data.
    pub(crate) schema: Schema,
    /// Scale of regression targets.
    pub(crate) scaling: Vec<TargetScale>,
    /// Facts about the targets of the training split, for the baselines of scores; empty in files of older versions.
    #[serde(default)]
    pub(crate) training: TrainingTargets,
    /// Ranges of the inputs over the training split; absent in models of older versions.
    #[serde(default)]
    pub(crate) ranges: TrainingRanges,
}

/// Reads the file of a model.
pub(crate) fn read(path: &Path) -> Result<Checkpoint<'static, ModelDescription>, TrainError> {
    Ok(Checkpoint::read(path)?)
}
