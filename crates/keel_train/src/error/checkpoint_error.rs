//! Errors of checkpoints and model files.

use std::path::PathBuf;

/// Reason why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Writing failed; the previous file is unchanged.
    #[error("cannot write {}: {reason}; the previous checkpoint is unchanged. Free disk space or choose another run.directory, then resume", path.display())]
    Unwritable {
        /// Path of the file.
        path: PathBuf,
        /// Reason given by the system.
        reason: String,
    },
    /// The file cannot be opened.
    #[error("cannot read {}: {reason}; give the folder of a run or a model.safetensors", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Reason given by the system.
        reason: String,
    },
    /// The file is truncated or not a safetensors file.
    #[error("{} is damaged or not a safetensors file: {reason}; use another checkpoint of the run, or train again", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Error found by the reader.
        reason: String,
    },
    /// The file is a safetensors file that Evenkeel did not write, or of another version.
    #[error("{} is not a checkpoint of this version of Evenkeel: {reason}; train again, or use the version that wrote it", path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
        /// Part that is missing or different.
        reason: String,
    },
}
