//! Units of an activation: whether each fired, how often it fired and how often it was saturated.
//!
//! Values are in the order `[outer, units, inner]`: `[samples, units, 1]` for rows, `[samples, channels, positions]`
//! for images.

use numpy::PyReadonlyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::values;

/// Number of rows between two checks whether all units have fired.
const ROWS: usize = 8;
/// Maximum number of values, or rows, counted in floats, which keeps the counts exact.
const RUN: usize = 4096;
/// Number of parallel counters.
const LANES: usize = 16;

/// Sizes of values in order `[outer, units, inner]`.
struct Layout {
    units: usize,
    inner: usize,
}

impl Layout {
    fn of(values: &[f32], units: usize, inner: usize) -> PyResult<Self> {
        let size = units.checked_mul(inner).filter(|&size| size > 0);
        if size.is_none_or(|size| !values.len().is_multiple_of(size)) {
            let reason = format!("{} values are not a multiple of {units} units of {inner} positions", values.len());
            return Err(PyValueError::new_err(reason));
        }
        Ok(Self { units, inner })
    }
}

/// Returns 64-bit words: bit `unit % 64` of word `unit / 64` is set if the unit is above zero anywhere. Stops early
/// once all are set.
///
/// # Errors
/// Fails if the number of values is not a multiple of `units * inner`.
#[pyfunction]
pub(crate) fn fired_units(
    py: Python<'_>,
    array: PyReadonlyArrayDyn<'_, f32>,
    units: usize,
    inner: usize,
) -> PyResult<Vec<u64>> {
    let values = values(&array, "output")?;
    let layout = Layout::of(values, units, inner)?;
    let fired =
        py.detach(|| if layout.inner == 1 { fired_columns(values, units) } else { fired_planes(values, &layout) });
    let mut words = vec![0u64; units.div_ceil(64)];
    for unit in (0..units).filter(|&unit| fired[unit]) {
        words[unit / 64] |= 1 << (unit % 64);
    }
    Ok(words)
}

fn fired_columns(values: &[f32], units: usize) -> Vec<bool> {
    let mut largest = vec![f32::NEG_INFINITY; units];
    for rows in values.chunks(units * ROWS) {
        for row in rows.chunks_exact(units) {
            for (largest, &value) in largest.iter_mut().zip(row) {
                *largest = if value > *largest { value } else { *largest };
            }
        }
        if largest.iter().all(|&value| value > 0.0) {
            break;
        }
    }
    largest.into_iter().map(|value| value > 0.0).collect()
}

fn fired_planes(values: &[f32], layout: &Layout) -> Vec<bool> {
    let mut fired = vec![false; layout.units];
    let mut silent: Vec<usize> = (0..layout.units).collect();
    for sample in values.chunks_exact(layout.units * layout.inner) {
        silent.retain(|&unit| {
            let plane = &sample[unit * layout.inner..(unit + 1) * layout.inner];
            // Short runs, so that the vectorised comparison stops early.
            fired[unit] = plane.chunks(64).any(|run| run.iter().fold(false, |any, &value| any | (value > 0.0)));
            !fired[unit]
        });
        if silent.is_empty() {
            break;
        }
    }
    fired
}

/// Returns for every unit the number of values above zero, and the number of values outside [`low`, `high`].
///
/// # Errors
/// Fails if the number of values is not a multiple of `units * inner`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "a Python function, which takes its arguments by name")]
pub(crate) fn unit_counts(
    py: Python<'_>,
    array: PyReadonlyArrayDyn<'_, f32>,
    units: usize,
    inner: usize,
    low: f32,
    high: f32,
) -> PyResult<(Vec<u32>, Vec<u32>)> {
    let values = values(&array, "output")?;
    let layout = Layout::of(values, units, inner)?;
    Ok(py.detach(|| {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || count(values, &layout, low, high),
        )
    }))
}

#[inline(always)]
fn count(values: &[f32], layout: &Layout, low: f32, high: f32) -> (Vec<u32>, Vec<u32>) {
    let mut fired = vec![0u32; layout.units];
    let mut beyond = vec![0u32; layout.units];
    if layout.inner == 1 {
        let mut sums = (vec![0f32; layout.units], vec![0f32; layout.units]);
        for rows in values.chunks(layout.units * RUN) {
            for row in rows.chunks_exact(layout.units) {
                for ((above, outside), &value) in sums.0.iter_mut().zip(&mut sums.1).zip(row) {
                    let (fires, is_beyond) = judge(value, low, high);
                    *above += fires;
                    *outside += is_beyond;
                }
            }
            take(&mut fired, &mut sums.0);
            take(&mut beyond, &mut sums.1);
        }
        return (fired, beyond);
    }
    for sample in values.chunks_exact(layout.units * layout.inner) {
        for (unit, plane) in sample.chunks_exact(layout.inner).enumerate() {
            for run in plane.chunks(RUN) {
                let (above, outside) = count_run(run, low, high);
                fired[unit] += above;
                beyond[unit] += outside;
            }
        }
    }
    (fired, beyond)
}

/// Returns float counts, 1 for a value above zero and 1 for a value outside the band, so that float comparisons select
/// them without conversion.
#[inline(always)]
fn judge(value: f32, low: f32, high: f32) -> (f32, f32) {
    let is_inside = value.max(low).min(high) == value;
    (if value > 0.0 { 1.0 } else { 0.0 }, if is_inside { 0.0 } else { 1.0 })
}

#[inline(always)]
fn count_run(values: &[f32], low: f32, high: f32) -> (u32, u32) {
    let mut above = [0f32; LANES];
    let mut outside = [0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let (fires, is_beyond) = judge(chunk[lane], low, high);
            above[lane] += fires;
            outside[lane] += is_beyond;
        }
    }
    for &value in rest {
        let (fires, is_beyond) = judge(value, low, high);
        above[0] += fires;
        outside[0] += is_beyond;
    }
    (above.iter().sum::<f32>() as u32, outside.iter().sum::<f32>() as u32)
}

/// Adds the sums of a run of rows to the totals and resets them.
fn take(totals: &mut [u32], sums: &mut [f32]) {
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total += *sum as u32;
        *sum = 0.0;
    }
}
