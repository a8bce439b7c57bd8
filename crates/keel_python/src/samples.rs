//! Samples of a Python program: arrays, which become datasets directly, and tables, which a config or a model interprets.

use std::sync::Arc;

use keel_data::{
    ColumnCells, DataConfig, DataError, Dataset, Imputation, Inputs, OfficialDivision, Provenance, SampleShape, Schema,
    TableSource, Targets,
};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyAny;

use crate::errors::{Raise, data_error};

/// Samples, with targets if known.
#[pyclass(frozen, module = "evenkeel._native")]
pub(crate) struct Samples {
    kind: Kind,
    /// Number of samples of the training, validation and test part, in this order; `None` if the engine divides them.
    parts: Option<[usize; 3]>,
    /// Weight of each sample in the loss, `[samples]`; `None` if all weights are equal.
    weights: Option<Vec<f32>>,
}

enum Kind {
    Array(Arc<Dataset>),
    Table(TableSource),
}

/// Targets of arrays.
#[derive(FromPyObject)]
enum GivenTargets<'py> {
    /// Class index of each sample, `[samples]`, and the names of the classes.
    Classes(PyReadonlyArray1<'py, u32>, Vec<String>),
    /// Values, `[samples, targets]`, and their names.
    Values(PyReadonlyArray2<'py, f32>, Vec<String>),
}

#[pymethods]
impl Samples {
    /// Creates samples from an array: `[samples, features]` or `[samples, height, width, channels]` of float32; images
    /// may also be uint8.
    #[staticmethod]
    #[pyo3(signature = (name, inputs, targets=None, parts=None, weights=None))]
    fn of_array(
        name: &str,
        inputs: &Bound<'_, PyAny>,
        targets: Option<GivenTargets<'_>>,
        parts: Option<[usize; 3]>,
        weights: Option<PyReadonlyArray1<'_, f32>>,
    ) -> PyResult<Self> {
        let weights = weights.map(|weights| weights.as_array().to_vec());
        let (shape, inputs) = inputs_of(inputs)?;
        let targets = targets.map_or(Ok(Targets::Unlabelled), targets_of)?;
        let dataset = dataset_of(name, shape, inputs, targets).map_err(Raise::raise)?;
        let dataset = match &weights {
            Some(weights) => dataset.with_weights(weights.clone()).map_err(Raise::raise)?,
            None => dataset,
        };
        let dataset = match parts {
            Some(parts) => dataset.with_division(consecutive(parts)).map_err(Raise::raise)?,
            None => dataset,
        };
        Ok(Samples { kind: Kind::Array(Arc::new(dataset)), parts, weights })
    }

    /// Creates samples from named columns: float64 numbers with NaN for missing ones, or texts with None for missing ones.
    #[staticmethod]
    #[pyo3(signature = (name, columns, parts=None, weights=None))]
    fn of_columns(
        name: &str,
        columns: Vec<(String, Bound<'_, PyAny>)>,
        parts: Option<[usize; 3]>,
        weights: Option<PyReadonlyArray1<'_, f32>>,
    ) -> PyResult<Self> {
        let weights = weights.map(|weights| weights.as_array().to_vec());
        let mut table = TableSource::new(name);
        for (column, cells) in columns {
            table = table.column(column, cells_of(&cells)?);
        }
        Ok(Samples { kind: Kind::Table(table), parts, weights })
    }
}

impl Samples {
    /// Returns the dataset to train on, according to `config`.
    pub(crate) fn to_train(&self, config: &DataConfig) -> Result<Arc<Dataset>, DataError> {
        match &self.kind {
            Kind::Array(dataset) => Ok(Arc::clone(dataset)),
            Kind::Table(table) => {
                let dataset = table.clone().read(config)?;
                let rows = rows_of_samples(&dataset);
                let dataset = match self.parts {
                    Some(parts) => dataset.with_division(division_of_rows(&rows, parts))?,
                    None => dataset,
                };
                let dataset = match &self.weights {
                    Some(weights) => dataset.with_weights(weights_of_rows(&rows, weights)?)?,
                    None => dataset,
                };
                Ok(Arc::new(dataset))
            }
        }
    }

    /// Returns the dataset for a model with this `schema`.
    pub(crate) fn for_model(
        &self,
        config: &DataConfig,
        schema: &Schema,
        wants_targets: bool,
    ) -> Result<Arc<Dataset>, DataError> {
        match &self.kind {
            Kind::Array(dataset) => Ok(Arc::clone(dataset)),
            Kind::Table(table) => table.clone().read_for_model(config, schema, wants_targets).map(Arc::new),
        }
    }
}

fn inputs_of(inputs: &Bound<'_, PyAny>) -> PyResult<(SampleShape, Inputs)> {
    if let Ok(array) = inputs.extract::<PyReadonlyArrayDyn<'_, f32>>() {
        let shape = shape_of(array.as_array().shape())?;
        return Ok((shape, Inputs::Floats(values_of(&array))));
    }
    if let Ok(array) = inputs.extract::<PyReadonlyArrayDyn<'_, u8>>() {
        let shape = shape_of(array.as_array().shape())?;
        if !shape.is_image() {
            return Err(data_error("rows of features are float32; convert them with x.astype(\"float32\")"));
        }
        return Ok((shape, Inputs::Bytes(values_of(&array))));
    }
    Err(data_error("inputs are an array of float32, or of uint8 for images"))
}

/// Copies the values of an array in row-major order, once, into memory the engine owns.
fn values_of<T: numpy::Element + Copy>(array: &PyReadonlyArrayDyn<'_, T>) -> Vec<T> {
    match array.as_slice() {
        Ok(values) => values.to_vec(),
        // The array is not in C order.
        Err(_) => array.as_array().iter().copied().collect(),
    }
}

fn shape_of(shape: &[usize]) -> PyResult<SampleShape> {
    match *shape {
        [_, features] => Ok(SampleShape::Features(features)),
        [_, height, width, channels] => Ok(SampleShape::Image { height, width, channels }),
        _ => {
            let text =
                format!("inputs have shape {shape:?}; give [samples, features] or [samples, height, width, channels]");
            Err(data_error(text))
        }
    }
}

fn targets_of(given: GivenTargets<'_>) -> PyResult<Targets> {
    Ok(match given {
        GivenTargets::Classes(labels, class_names) => {
            Targets::Classes { labels: labels.as_array().iter().copied().collect(), class_names }
        }
        GivenTargets::Values(values, target_names) => {
            if values.as_array().ncols() != target_names.len() {
                let (columns, names) = (values.as_array().ncols(), target_names.len());
                return Err(data_error(format!("{columns} columns of targets have {names} names; give one for each")));
            }
            Targets::Values { values: values.as_array().iter().copied().collect(), target_names }
        }
    })
}

/// Creates a dataset. NaN marks a missing value in rows, where it is replaced by the mean, and is rejected in images.
fn dataset_of(name: &str, shape: SampleShape, inputs: Inputs, targets: Targets) -> Result<Dataset, DataError> {
    match (shape, inputs) {
        (SampleShape::Features(features), Inputs::Floats(values)) => {
            Dataset::from_memory_with_missing(name, features, values, targets, Imputation::Mean)
        }
        (shape, inputs) => Dataset::from_memory(name, shape, inputs, targets),
    }
}

fn cells_of(cells: &Bound<'_, PyAny>) -> PyResult<ColumnCells> {
    if let Ok(numbers) = cells.extract::<PyReadonlyArray1<'_, f64>>() {
        return Ok(ColumnCells::Numbers(numbers.as_array().iter().map(|&number| Some(number)).collect()));
    }
    Ok(ColumnCells::Text(cells.extract()?))
}

/// Returns the division of samples whose parts follow one another.
fn consecutive([train, validation, test]: [usize; 3]) -> OfficialDivision {
    let second = train + validation;
    OfficialDivision {
        train: (0..train).collect(),
        validation: (train..second).collect(),
        test: (second..second + test).collect(),
    }
}

/// Returns the row of each sample of a table, counted from 0, since some may have been left out.
fn rows_of_samples(dataset: &Dataset) -> Vec<usize> {
    match dataset.provenance() {
        Provenance::Rows { files } => {
            // Places are counted from 1.
            files.iter().flat_map(|file| &file.places).map(|&place| (place as usize).saturating_sub(1)).collect()
        }
        _ => (0..dataset.samples()).collect(),
    }
}

/// Returns the division of samples from these `rows`, whose parts follow one another.
fn division_of_rows(rows: &[usize], [train, validation, _]: [usize; 3]) -> OfficialDivision {
    let mut division = OfficialDivision::default();
    for (sample, &row) in rows.iter().enumerate() {
        let part = match row {
            row if row < train => &mut division.train,
            row if row < train + validation => &mut division.validation,
            _ => &mut division.test,
        };
        part.push(sample);
    }
    division
}

fn weights_of_rows(rows: &[usize], weights: &[f32]) -> Result<Vec<f32>, DataError> {
    let of_row = |&row: &usize| weights.get(row).copied();
    rows.iter().map(of_row).collect::<Option<_>>().ok_or_else(|| DataError::Shape {
        what: "sample weights".to_owned(),
        expected: "one for each row".to_owned(),
        found: weights.len().to_string(),
    })
}
