//! The graph a config describes.

use keel_data::SampleShape;
use keel_nn::{Graph, GraphError, Shape};

use super::Config;

impl Config {
    /// Lays out the layers of the config for preprocessed samples of shape `input` and `outputs` values: those of one prediction
    /// times the members of an ensemble.
    ///
    /// # Errors
    /// Layers that do not fit; the message names the layer.
    pub(crate) fn graph(&self, input: &SampleShape, outputs: usize) -> Result<Graph, GraphError> {
        Graph::build(shape_of(input), &self.model.layers(), outputs)
    }
}

/// The shape of a sample, as layers see it.
fn shape_of(shape: &SampleShape) -> Shape {
    match *shape {
        SampleShape::Image { height, width, channels } => Shape::Image { height, width, channels },
        SampleShape::Features(features) => Shape::Features(features),
    }
}
