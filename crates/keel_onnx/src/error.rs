//! Errors of reading and computing ONNX models.

/// A model that cannot be read or computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// Bytes that are not a model.
    #[error("{file}: {reason}; give a complete ONNX file")]
    Damaged {
        /// The file.
        file: String,
        /// The place and the fact.
        reason: String,
    },
    /// A node that cannot be computed or read as a layer.
    #[error("{file}: node {place} `{name}` ({operation}): {reason}; {next}")]
    Node {
        /// The file.
        file: String,
        /// Its number in the graph, counted from 0.
        place: usize,
        /// Its name, empty where it has none.
        name: String,
        /// Its type.
        operation: String,
        /// The mismatch, in words.
        reason: String,
        /// Next step.
        next: String,
    },
    /// A model that does not fit as a whole.
    #[error("{file}: {reason}; {next}")]
    Model {
        /// The file.
        file: String,
        /// The mismatch, in words.
        reason: String,
        /// Next step.
        next: String,
    },
}
