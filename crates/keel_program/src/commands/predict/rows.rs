//! Samples with the predictions of the model.

use keel_data::Unlike;
use keel_train::{Prediction, Predictor};

use super::columns::Columns;
use crate::failure::Stop;
use crate::inputs::Loaded;

/// A sample and the prediction of the model.
#[derive(Debug)]
pub(super) struct Row {
    /// File, line of a file, or number of the sample.
    pub(super) input: String,
    /// Values of [`Columns::kept`].
    pub(super) kept: Vec<String>,
    /// Values of [`Columns::identifiers`].
    pub(super) identifiers: Vec<String>,
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

    /// Predicts every sample of `input`, in order.
    ///
    /// # Errors
    /// If a sample does not fit the model.
    pub(super) fn of(predictor: &Predictor, input: &Loaded, columns: &Columns) -> Result<Vec<Row>, Stop> {
        let Loaded { source, dataset, table } = input;
        let predictions = predictor.predict(dataset)?;
        let ranges = predictor.training_ranges();
        let cells = |sample: usize, names: &[String]| -> Vec<String> {
            let Some(table) = table else { return Vec::new() };
            let cell = |name: &String| table.position(name).map(|column| table.text(sample, column).into_owned());
            names.iter().map(|name| cell(name).unwrap_or_default()).collect()
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
