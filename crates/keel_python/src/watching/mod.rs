//! Measures arrays of another framework and applies the health rules: the compiled half of `evenkeel.watch`.
//!
//! Arrays are read in place. Sums are taken in f64, in blocks whose order depends only on the length, so that results
//! do not depend on the number of threads.

mod blocks;
mod moments;
mod monitor;
mod norms;
mod rows;
mod units;

pub(crate) use moments::signal_moments;
pub(crate) use monitor::Monitor;
pub(crate) use norms::{gradient_squares, update_squares};
pub(crate) use rows::{identical_rows, sign_agreement};
pub(crate) use units::{fired_units, unit_counts};

use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::PyResult;
use pyo3::exceptions::PyValueError;

/// Returns the values of `array` without copying them.
///
/// # Errors
/// Fails if they are not contiguous.
fn values<'a>(array: &'a PyReadonlyArrayDyn<'_, f32>, name: &str) -> PyResult<&'a [f32]> {
    let values = array.as_slice().ok().filter(|_| array.is_c_contiguous());
    values.ok_or_else(|| {
        PyValueError::new_err(format!(
            "{name}: the values of an array of shape {:?} are not contiguous; make it contiguous",
            array.shape()
        ))
    })
}
