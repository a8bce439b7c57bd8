//! Why a checkpoint or model file cannot be used.

use std::path::PathBuf;

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Writing failed; the previous file is untouched.
    #[error("cannot write {}: {reason}; the previous checkpoint is untouched. Make room or choose another run.directory, then resume", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file cannot be opened.
    #[error("cannot read {}: {reason}; give the folder of a run or a model.safetensors", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is truncated or no safetensors file.
    #[error("{} is damaged or no safetensors file: {reason}; use another checkpoint of the run, or train again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Fault that the reader found.
        reason: String,
    },
    /// A safetensors file that Evenkeel did not write, or of another version.
    #[error("{} is no checkpoint of this version of Evenkeel: {reason}; train again, or use the version that wrote it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Part that is missing or different.
        reason: String,
    },
}
