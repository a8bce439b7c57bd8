//! The graph that a config describes.

use keel_data::SampleShape;
use keel_nn::model::UnknownPart;
use keel_nn::{Graph, Shape};

use crate::config::{Config, nearest};
use crate::error::TrainError;

impl Config {
    /// Builds the graph of the layers in the config for preprocessed samples of shape `input` and `outputs` outputs: the
    /// outputs of one prediction times the members of an ensemble.
    ///
    /// # Errors
    /// If layers do not fit, or a part is unknown; the message names it.
    pub(crate) fn graph(&self, input: &SampleShape, outputs: usize) -> Result<Graph, TrainError> {
        let training = self.model.entry_training().map_err(unknown_part)?;
        Ok(Graph::build(shape_of(input), &self.model.layers(), outputs)?.with_training(&training))
    }
}

fn unknown_part(unknown: UnknownPart) -> TrainError {
    let UnknownPart { key, name, known } = unknown;
    let near = nearest(&name, known.iter().map(String::as_str));
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let (entries, named): (Vec<&String>, Vec<&String>) = known.iter().partition(|name| name.starts_with("layers."));
    let named: Vec<&str> = named.into_iter().map(String::as_str).collect();
    let last = entries.len().saturating_sub(1);
    let message =
        format!("the model has no part `{name}`{near}; its parts are {}, layers.0 to layers.{last}", named.join(", "));
    TrainError::setting(key, message)
}

/// Returns the shape of a sample as layers see it.
fn shape_of(shape: &SampleShape) -> Shape {
    match *shape {
        SampleShape::Image { height, width, channels } => Shape::Image { height, width, channels },
        SampleShape::Features(features) => Shape::Features(features),
    }
}
