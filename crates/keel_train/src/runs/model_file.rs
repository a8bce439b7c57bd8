//! `model.safetensors`: weights with everything prediction needs.

use std::path::Path;

use keel_data::{Preprocessor, Schema, TrainingRanges};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::objective::{TargetScale, TrainingTargets};
use crate::runs::Checkpoint;

/// The description in the file's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelDescription {
    /// The resolved config, as TOML.
    pub(crate) config: String,
    /// Fitted preprocessing.
    pub(crate) preprocessor: Preprocessor,
    /// Shape, classes and columns of the data.
    pub(crate) schema: Schema,
    /// Scale of regression targets.
    pub(crate) scaling: Vec<TargetScale>,
    /// Targets of the training split, for what scores are compared with; empty in files of older versions.
    #[serde(default)]
    pub(crate) training: TrainingTargets,
    /// Ranges of the inputs over the training split; models of older versions have none.
    #[serde(default)]
    pub(crate) ranges: TrainingRanges,
}

/// Reads the file of a model.
pub(crate) fn read(path: &Path) -> Result<Checkpoint<'static, ModelDescription>, TrainError> {
    Ok(Checkpoint::read(path)?)
}
