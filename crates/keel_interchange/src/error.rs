//! Errors in reading and writing the formats of other programs.

use std::io;
use std::path::PathBuf;

use keel_data::DataError;
use keel_onnx::OnnxError;
use keel_onnx::foreign::ForeignFormat;
use keel_train::TrainError;

/// Errors in exporting, importing or computing a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterchangeError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}; check that the path is correct and that you may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Message of the operating system.
        source: io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {source}; choose a path in a writable folder, or free space on the disk", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Message of the operating system.
        source: io::Error,
    },
    /// A file that has to be converted first.
    #[error(transparent)]
    Foreign(#[from] ForeignFormat),
    /// An ONNX model that cannot be read or computed.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A part of a trained model that cannot be represented in ONNX.
    #[error("{part} cannot be exported: {reason}; {next}")]
    Export {
        /// The layer, column or setting.
        part: String,
        /// Reason.
        reason: String,
        /// Next step.
        next: String,
    },
    /// An exported graph whose predictions differ from the model's.
    #[error(
        "the predictions of the exported graph differ from those of the model: an output differs by {difference:e} of its scale (allowed: {allowed:e}), so nothing was written; report this with the config of the run"
    )]
    Unequal {
        /// Largest difference.
        difference: f64,
        /// Allowed difference.
        allowed: f64,
    },
    /// Error of the trained model.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Error in the samples used for the comparison.
    #[error(transparent)]
    Data(#[from] DataError),
}
