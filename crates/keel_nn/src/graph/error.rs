//! Errors of building a network from a list of layers.

use crate::layers::BuildError;

/// Reason why a network cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A layer does not fit its input.
    #[error("layer {place} ({name}): {source}")]
    Layer {
        /// Path of the entry in the config: `3`, or `3.body.1` inside a residual block.
        place: String,
        /// Name of the layer.
        name: String,
        /// Error of the layer.
        source: Box<BuildError>,
    },
    /// Body and shortcut of a residual block have different output shapes.
    #[error(
        "layer {place} (residual): its body maps {input} to {body}, which cannot be added to a shortcut of \
         {shortcut}; use shortcut = \"projection\" and a body whose strides match the shortcut"
    )]
    Residual {
        /// Path of the entry in the config.
        place: String,
        /// Input shape of the block.
        input: crate::Shape,
        /// Output shape of the body.
        body: crate::Shape,
        /// Output shape of the shortcut.
        shortcut: crate::Shape,
    },
    /// The output size differs from the number of classes or targets.
    #[error(
        "the network has {actual} {}, but the data needs {expected}: set out_features of the last linear layer to {expected} or omit it",
        if *.actual == 1 { "output" } else { "outputs" }
    )]
    Outputs {
        /// Number of outputs of the last layer.
        actual: usize,
        /// Number of classes or targets of the data.
        expected: usize,
    },
    /// The list of layers is empty.
    #[error("the model has no layers; add [[model.layers]] or set a preset")]
    Empty,
}
