//! Samples with the predictions of the model.

use keel_data::Unlike;
use keel_train::{Prediction, Predictor};
use serde_json::Value;

use super::columns::Columns;
use crate::failure::Stop;
use crate::inputs::{Loaded, text_of};

/// A sample and the prediction of the model.
#[derive(Debug)]
pub(super) struct Row {
    /// File, line of a file, or number of the sample.
    pub(super) input: String,
    /// Values of [`Columns::kept`].
    pub(super) kept: Vec<Value>,
    /// Values of [`Columns::identifiers`].
    pub(super) identifiers: Vec<Value>,
    /// The prediction.
    pub(super) prediction: Prediction,
    /// Values that differ from those of the training split.
    pub(super) unlike: Vec<Unlike>,
}

impl Row {
    /// Returns the sample, if there is no prediction for it.
    pub(super) fn undefined(&self) -> Option<&str> {
        match &self.prediction {
            Prediction::Undefined { sample } => Some(sample),
            Prediction::Class { .. } | Prediction::Values(_) => None,
        }
    }

    /// Returns the kept columns and the identifiers as texts.
    pub(super) fn own_texts(&self) -> impl Iterator<Item = String> {
        self.kept.iter().chain(&self.identifiers).map(text_of)
    }

    /// Predicts every sample of `input`, in order.
    ///
    /// # Errors
    /// If a sample does not fit the model.
    pub(super) fn of(predictor: &Predictor, input: &Loaded, columns: &Columns) -> Result<Vec<Row>, Stop> {
        let Loaded { source, dataset, table, json } = input;
        let predictions = predictor.predict(dataset)?;
        let ranges = predictor.training_ranges();
        let cells = |sample: usize, names: &[String]| -> Vec<Value> {
            let Some(table) = table else { return Vec::new() };
            let text = |name: &String| {
                let column = table.position(name);
                Value::String(column.map(|column| table.text(sample, column).into_owned()).unwrap_or_default())
            };
            let written = |name: &String| json.as_ref()?.get(name)?.get(sample).cloned();
            names.iter().map(|name| written(name).unwrap_or_else(|| text(name))).collect()
        };
        let row = |(sample, prediction)| {
            let described = dataset.provenance().describe(sample);
            let input = if described.starts_with("sample ") { format!("{source}, {described}") } else { described };
            Row {
                input,
                kept: cells(sample, &columns.kept),
                identifiers: cells(sample, &columns.identifiers),
                prediction,
                unlike: ranges.unlike(dataset, sample),
            }
        };
        Ok(predictions.into_iter().enumerate().map(row).collect())
    }
}
