//! Rows of a weight matrix, one per unit: rows with consistent gradient signs, and rows equal to another.

use std::collections::HashMap;

use numpy::PyReadonlyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::values;

/// Minimum of abs(n+ - n-) / (n+ + n-) for the gradients of a unit to count as having one sign.
const AGREEMENT: f64 = 0.9;
/// Maximum difference, relative to the largest gradient of the layer, of gradients that count as equal; matrix products
/// round differently at their edges.
const SAME: f32 = 1e-5;
/// Maximum number of rows with equal weights whose gradients are kept for comparison.
const KEPT: usize = 16;

fn row_length(values: &[f32], rows: usize) -> PyResult<usize> {
    if rows == 0 || values.is_empty() || !values.len().is_multiple_of(rows) {
        return Err(PyValueError::new_err(format!("{} values do not form {rows} rows of equal length", values.len())));
    }
    Ok(values.len() / rows)
}

/// Returns the share of rows whose gradients have one sign: abs(n+ - n-) / (n+ + n-) of at least 0.9, ignoring zeros.
///
/// # Errors
/// Fails if the values do not form `rows` rows.
#[pyfunction]
pub(crate) fn sign_agreement(py: Python<'_>, gradient: PyReadonlyArrayDyn<'_, f32>, rows: usize) -> PyResult<f64> {
    let values = values(&gradient, "gradient")?;
    let length = row_length(values, rows)?;
    let agreeing = py.detach(|| values.chunks_exact(length).filter(|row| has_one_sign(row)).count());
    Ok(agreeing as f64 / rows as f64)
}

fn has_one_sign(row: &[f32]) -> bool {
    let positive = row.iter().map(|&value| u32::from(value > 0.0)).sum::<u32>();
    let negative = row.iter().map(|&value| u32::from(value < 0.0)).sum::<u32>();
    let counted = f64::from(positive) + f64::from(negative);
    counted > 0.0 && f64::from(positive.abs_diff(negative)) >= AGREEMENT * counted
}

/// Returns the number of rows with the same weights and the same gradient as another row.
///
/// # Errors
/// Fails if the values do not form `rows` rows each.
#[pyfunction]
pub(crate) fn identical_rows(
    py: Python<'_>,
    weight: PyReadonlyArrayDyn<'_, f32>,
    gradient: PyReadonlyArrayDyn<'_, f32>,
    rows: usize,
) -> PyResult<u64> {
    let (weights, gradients) = (values(&weight, "weight")?, values(&gradient, "gradient")?);
    let length = row_length(weights, rows)?;
    if gradients.len() != weights.len() {
        let reason = format!("{} weights and {} gradients", weights.len(), gradients.len());
        return Err(PyValueError::new_err(reason));
    }
    Ok(py.detach(|| {
        let limit = SAME * gradients.iter().copied().map(f32::abs).fold(0.0, f32::max);
        let mut known: HashMap<Vec<u32>, Vec<&[f32]>> = HashMap::new();
        let mut identical = 0;
        for (weight, gradient) in weights.chunks_exact(length).zip(gradients.chunks_exact(length)) {
            // Zero and negative zero are equal.
            let bits = weight.iter().map(|&value| (value + 0.0).to_bits()).collect();
            let others = known.entry(bits).or_default();
            let same = |other: &&[f32]| other.iter().zip(gradient).all(|(a, b)| (a - b).abs() <= limit);
            if others.iter().any(same) {
                identical += 1;
            } else if others.len() < KEPT {
                others.push(gradient);
            }
        }
        identical
    }))
}
