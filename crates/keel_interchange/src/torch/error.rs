//! Errors in converting weights.

use std::path::{Path, PathBuf};

use keel_onnx::foreign::ForeignFormat;

/// Reason why weights of another program cannot be converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TorchError {
    /// The file cannot be read or written, or is not a safetensors file.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Message of the operating system or of the format.
        reason: String,
    },
    /// The file has to be converted first.
    #[error(transparent)]
    Foreign(#[from] ForeignFormat),
    /// A tensor has another shape or type than in the network.
    #[error("{}: tensor `{tensor}` {message}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// The fault.
        message: String,
    },
    /// No tensor has a torchvision name.
    #[error("{}: no tensor has a name of torchvision's networks, as `layer1.0.conv1.weight`; the file has {}", path.display(), first.join(", "))]
    NothingFits {
        /// The file.
        path: PathBuf,
        /// The first names in the file.
        first: Vec<String>,
    },
    /// Tensors of the network are missing.
    #[error("{}: not the network of this preset: {} are missing; name its preset, or export to ONNX", path.display(), missing.join(", "))]
    NotThisNetwork {
        /// The file.
        path: PathBuf,
        /// First missing names.
        missing: Vec<String>,
    },
}

impl TorchError {
    pub(super) fn file(path: &Path, reason: impl ToString) -> Self {
        TorchError::File { path: path.to_owned(), reason: reason.to_string() }
    }

    pub(super) fn tensor(path: &Path, tensor: &str, message: String) -> Self {
        TorchError::Tensor { path: path.to_owned(), tensor: tensor.to_owned(), message }
    }
}
