//! Errors in reading and evaluating ONNX models.

/// Reason why a model cannot be read or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// Bytes that are not a model.
    #[error("{file}: {reason}; give a complete ONNX file")]
    Damaged {
        /// The file.
        file: String,
        /// Location and reason.
        reason: String,
    },
    /// A node that cannot be evaluated or imported as a layer.
    #[error("{file}: node {place} `{name}` ({operation}): {reason}; {next}")]
    Node {
        /// The file.
        file: String,
        /// Index of the node in the graph, counted from 0.
        place: usize,
        /// Name of the node; may be empty.
        name: String,
        /// Operation of the node.
        operation: String,
        /// Reason.
        reason: String,
        /// Next step.
        next: String,
    },
    /// A model that is unsupported as a whole.
    #[error("{file}: {reason}; {next}")]
    Model {
        /// The file.
        file: String,
        /// Reason.
        reason: String,
        /// Next step.
        next: String,
    },
}
