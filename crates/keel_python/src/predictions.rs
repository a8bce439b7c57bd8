//! Predictions as arrays.

use keel_train::Prediction;
use numpy::{IntoPyArray, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::errors::data_error;

/// Returns predictions as an array; fails if a sample has none, and names it.
pub(crate) fn rows_of<'py>(python: Python<'py>, predictions: &[Prediction]) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let mut values: Vec<f64> = Vec::new();
    for prediction in predictions {
        match prediction {
            Prediction::Class { probabilities, .. } => values.extend(probabilities.iter().map(|&x| f64::from(x))),
            Prediction::Values(row) => values.extend(row),
            Prediction::Undefined { sample } => {
                let text = "its values or those of the network are not finite; leave it out or correct it";
                return Err(data_error(format!("{sample} has no prediction: {text}")));
            }
        }
    }
    let width = values.len().checked_div(predictions.len()).unwrap_or_default();
    values.into_pyarray(python).reshape([predictions.len(), width])
}
