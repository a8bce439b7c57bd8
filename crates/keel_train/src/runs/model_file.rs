//! `model.safetensors`: weights with everything prediction needs.

use std::path::Path;

use keel_data::{Preprocessor, Schema, TrainingRanges};
use serde::{Deserialize, Serialize};

use crate::Config;
use crate::error::TrainError;
use crate::metrics::TrainingTargets;
use crate::objective::TargetScale;
use crate::runs::Checkpoint;
use crate::trainer::{Session, network_tensors};

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

/// Writes the weights of `session`.
pub(crate) fn write(session: &Session, config: &Config, path: &Path) -> Result<(), TrainError> {
    Ok(of_session(session, config).write(path)?)
}

/// The weights of `session` with everything prediction needs.
pub(crate) fn of_session(session: &Session, config: &Config) -> Checkpoint<ModelDescription> {
    let description = ModelDescription {
        config: config.to_toml(),
        preprocessor: session.preprocessor().as_ref().clone(),
        schema: session.data().dataset.schema(),
        scaling: session.objective().scaling().to_vec(),
        training: session.objective().training_targets().clone(),
        ranges: TrainingRanges::of(&session.data().dataset, &session.data().train),
    };
    Checkpoint { description, tensors: network_tensors(session) }
}

/// Reads a file written by [`write`].
pub(crate) fn read(path: &Path) -> Result<Checkpoint<ModelDescription>, TrainError> {
    Ok(Checkpoint::read(path)?)
}
