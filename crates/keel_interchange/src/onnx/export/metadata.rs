//! Metadata entries of the file: labels, columns, preprocessing and everything else a user of the model needs.

use keel_nn::losses::LossSpec;
use keel_onnx::metadata::{CLASSES, NETWORK, PREPROCESSOR, SCHEMA, TRAINING};
use keel_train::{Predictor, TargetScale};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ExportOptions, columns};
use crate::onnx::schema::StringStringEntryProto;

/// Maximum size in bytes of the fitted preprocessing that is also stored as text; the graph contains it anyway.
const LARGEST_PREPROCESSOR: usize = 1 << 24;

/// Facts about a training run that the graph does not contain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownTraining {
    /// Its loss.
    pub loss: LossSpec,
    /// Number of predictions of the network per sample.
    pub members: usize,
    /// Scale of each target; empty for classes.
    pub scaling: Vec<TargetScale>,
}

/// Names of the first and last value of the network.
pub(super) struct Boundary {
    pub(super) input: String,
    pub(super) output: String,
}

/// Returns the metadata entries of a model.
pub(super) fn properties(
    predictor: &Predictor,
    options: &ExportOptions,
    boundary: &Boundary,
) -> Vec<StringStringEntryProto> {
    let (schema, objective) = (predictor.schema(), predictor.objective());
    let mut properties = Vec::new();
    let mut add = |key: &str, value: String| {
        properties.push(StringStringEntryProto { key: key.to_owned(), value });
    };
    add("evenkeel.version", options.version.clone());
    if !options.run.is_empty() {
        add("evenkeel.run", options.run.clone());
    }
    if objective.class_names().is_empty() {
        add("targets", json!(objective.target_names()).to_string());
    } else {
        add(CLASSES, json!(objective.class_names()).to_string());
    }
    if schema.sample_shape.is_image() {
        add("image", image(predictor).to_string());
    } else if schema.columns.is_empty() {
        add("features", json!(schema.feature_names).to_string());
    } else {
        let column = |column: &keel_data::TableColumn| json!({ "name": column.name, "holds": columns::input_words(column), "features": column.feature_names() });
        add("columns", Value::from_iter(schema.columns.iter().map(column)).to_string());
    }
    add("preprocessing", json!(predictor.preprocessor().describe()).to_string());
    add(NETWORK, json!({ "input": boundary.input, "output": boundary.output }).to_string());
    let (loss, members) = (objective.loss_spec().clone(), objective.members());
    let known = KnownTraining { loss, members, scaling: objective.scaling().to_vec() };
    if let Ok(text) = serde_json::to_string(&known) {
        add(TRAINING, text);
    }
    if let Ok(text) = serde_json::to_string(schema) {
        add(SCHEMA, text);
    }
    if let Ok(text) = serde_json::to_string(predictor.preprocessor())
        && text.len() <= LARGEST_PREPROCESSOR
    {
        add(PREPROCESSOR, text);
    }
    properties
}

/// Describes the size images must be resized to beforehand, and the method used for training.
fn image(predictor: &Predictor) -> Value {
    let schema = predictor.schema();
    let dimensions = schema.sample_shape.dimensions();
    let mut image = json!({
        "layout": "batch, height, width, channels",
        "height": dimensions[0], "width": dimensions[1], "channels": dimensions[2],
        "channel_names": schema.feature_names,
        "values": [schema.value_range.0, schema.value_range.1],
    });
    if let Some(decoding) = &schema.image_decoding {
        image["resize"] = json!(decoding);
    }
    image
}
