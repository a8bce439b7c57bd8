//! Squared norms of gradients and of updates.

use numpy::PyReadonlyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::blocks::of_blocks;
use super::values;

/// Number of parallel accumulators.
const LANES: usize = 16;

/// Returns (sum of squares, largest absolute value, non-finite values) of an array; the first two refer to the finite values.
#[pyfunction]
pub(crate) fn gradient_squares(py: Python<'_>, array: PyReadonlyArrayDyn<'_, f32>) -> PyResult<(f64, f32, u64)> {
    let values = values(&array, "gradient")?;
    let parts = py.detach(|| {
        of_blocks(
            values.len(),
            #[inline(always)]
            |range| squares(&values[range]),
        )
    });
    Ok(parts.into_iter().fold((0.0, 0.0, 0), |all, part| (all.0 + part.0, all.1.max(part.1), all.2 + part.2)))
}

#[inline(always)]
fn squares(values: &[f32]) -> (f64, f32, u64) {
    let mut square = [0f64; LANES];
    let mut largest = [0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane].abs();
            square[lane] += f64::from(value) * f64::from(value);
            largest[lane] = if value > largest[lane] { value } else { largest[lane] };
        }
    }
    let mut total: f64 = square.iter().sum();
    let mut top = largest.iter().copied().fold(0.0, f32::max);
    for &value in rest {
        total += f64::from(value) * f64::from(value);
        top = top.max(value.abs());
    }
    if total.is_finite() {
        return (total, top, 0);
    }
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let total = finite().map(|value| f64::from(value) * f64::from(value)).sum();
    (total, finite().map(f32::abs).fold(0.0, f32::max), (values.len() - finite().count()) as u64)
}

/// Returns (sum of squares before, sum of squares of the change, non-finite values after) for a parameter before and
/// after an update. A non-finite value makes its sum non-finite.
///
/// # Errors
/// Fails if the arrays differ in length.
#[pyfunction]
pub(crate) fn update_squares(
    py: Python<'_>,
    before: PyReadonlyArrayDyn<'_, f32>,
    after: PyReadonlyArrayDyn<'_, f32>,
) -> PyResult<(f64, f64, u64)> {
    let (old, new) = (values(&before, "before")?, values(&after, "after")?);
    if old.len() != new.len() {
        let reason = format!("{} values before the update and {} after it", old.len(), new.len());
        return Err(PyValueError::new_err(reason));
    }
    let parts = py.detach(|| {
        of_blocks(
            old.len(),
            #[inline(always)]
            |range| change(&old[range.clone()], &new[range]),
        )
    });
    Ok(parts.into_iter().fold((0.0, 0.0, 0), |all, part| (all.0 + part.0, all.1 + part.1, all.2 + part.2)))
}

#[inline(always)]
fn change(old: &[f32], new: &[f32]) -> (f64, f64, u64) {
    let mut before = [0f64; LANES];
    let mut moved = [0f64; LANES];
    let (olds, old_rest) = old.as_chunks::<LANES>();
    let (news, new_rest) = new.as_chunks::<LANES>();
    for (old, new) in olds.iter().zip(news) {
        for lane in 0..LANES {
            let (old, new) = (f64::from(old[lane]), f64::from(new[lane]));
            before[lane] += old * old;
            moved[lane] += (new - old) * (new - old);
        }
    }
    let (mut before, mut moved): (f64, f64) = (before.iter().sum(), moved.iter().sum());
    for (&old, &new) in old_rest.iter().zip(new_rest) {
        let (old, new) = (f64::from(old), f64::from(new));
        before += old * old;
        moved += (new - old) * (new - old);
    }
    let bad = if moved.is_finite() { 0 } else { new.iter().filter(|value| !value.is_finite()).count() as u64 };
    (before, moved, bad)
}
