//! Why a list of layers is no network.

use crate::layers::BuildError;

/// A network that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A layer does not fit its input.
    #[error("layer {place} ({name}): {source}")]
    Layer {
        /// Where it stands in the config: `3`, or `3.body.1` inside a residual block.
        place: String,
        /// Its name.
        name: String,
        /// What does not fit.
        source: Box<BuildError>,
    },
    /// Body and shortcut of a residual block end in different shapes.
    #[error(
        "layer {place} (residual): its body turns {input} into {body}, which cannot be added to a shortcut of \
         {shortcut}; use shortcut = \"projection\" and a body that keeps height and width in step"
    )]
    Residual {
        /// Where it stands in the config.
        place: String,
        /// What the block gets.
        input: crate::Shape,
        /// What its body makes of it.
        body: crate::Shape,
        /// What its shortcut makes of it.
        shortcut: crate::Shape,
    },
    /// The output is not one value per class or target.
    #[error(
        "the network ends in {actual} values, but the data wants {expected}: set out_features of the last linear layer to {expected} or leave it out"
    )]
    Outputs {
        /// Floats the last layer gives.
        actual: usize,
        /// Classes or targets of the data.
        expected: usize,
    },
    /// No layers.
    #[error("the model has no layers; give [[model.layers]] or a preset")]
    Empty,
}
