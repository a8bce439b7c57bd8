//! Errors of reading and writing the formats of other programs.

use std::io;
use std::path::PathBuf;

use keel_data::DataError;
use keel_onnx::OnnxError;
use keel_train::TrainError;

/// A model or a file that cannot be exported, read or computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterchangeError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}; check that the path is correct and that you may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {source}; choose a writable path, or free space on the disk", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// An ONNX model that cannot be read or computed.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A part of a trained model that has no form in ONNX.
    #[error("{part} cannot be exported: {reason}; {next}")]
    Export {
        /// The layer, column or setting.
        part: String,
        /// Why.
        reason: String,
        /// Next step.
        next: String,
    },
    /// An exported graph that does not predict as the model does.
    #[error(
        "the predictions of the exported graph differ from those of the model: an output differs by {difference:e} of its scale, {allowed:e} is allowed, so nothing was written; report this with the config of the run"
    )]
    Unequal {
        /// Largest difference.
        difference: f64,
        /// Allowed difference.
        allowed: f64,
    },
    /// The trained model.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Samples to compare on.
    #[error(transparent)]
    Data(#[from] DataError),
}
