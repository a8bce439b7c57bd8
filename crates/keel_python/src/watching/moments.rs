//! Moments of a signal in a single pass.

use numpy::PyReadonlyArrayDyn;
use pyo3::prelude::*;

use super::blocks::of_blocks;
use super::values;

/// Number of parallel accumulators, so that neighbouring additions do not wait for each other.
const LANES: usize = 16;
/// Number of values per run.
const RUN: usize = 2048;

/// Sums over a range of values.
#[derive(Debug, Clone, Copy)]
struct Sums {
    /// Number of finite values.
    count: u64,
    /// Sum of the distances from the shift.
    distance: f64,
    /// Sum of the squared distances.
    square: f64,
    lowest: f32,
    highest: f32,
    zeros: u64,
    /// Number of values within the band.
    inside: u64,
    non_finite: u64,
}

/// Band of values that do not count as saturated.
#[derive(Debug, Clone, Copy)]
struct Band {
    low: f32,
    high: f32,
}

impl Sums {
    const NONE: Self = Self {
        count: 0,
        distance: 0.0,
        square: 0.0,
        lowest: f32::INFINITY,
        highest: f32::NEG_INFINITY,
        zeros: 0,
        inside: 0,
        non_finite: 0,
    };

    fn joined(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            distance: self.distance + other.distance,
            square: self.square + other.square,
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
            zeros: self.zeros + other.zeros,
            inside: self.inside + other.inside,
            non_finite: self.non_finite + other.non_finite,
        }
    }

    /// Sums `values`. A non-finite value makes the sum of squares non-finite; only then is each value examined.
    #[inline(always)]
    fn of(values: &[f32], shift: f64, band: Band) -> Self {
        let sums = Self::of_finite(values, shift, band);
        if sums.square.is_finite() { sums } else { Self::of_any(values, shift, band) }
    }

    /// Processes short runs of values that stay in the nearest cache with three simple loops, which is faster than one
    /// loop that needs all registers.
    #[inline(always)]
    fn of_finite(values: &[f32], shift: f64, band: Band) -> Self {
        let mut total = Self { count: values.len() as u64, ..Self::NONE };
        for run in values.chunks(RUN) {
            let (distance, square) = distances(run, shift);
            let (lowest, highest) = range(run);
            let (zeros, inside) = counts(run, band);
            total.distance += distance;
            total.square += square;
            total.lowest = total.lowest.min(lowest);
            total.highest = total.highest.max(highest);
            total.zeros += u64::from(zeros);
            total.inside += u64::from(inside);
        }
        total
    }

    fn of_any(values: &[f32], shift: f64, band: Band) -> Self {
        values.iter().fold(Self::NONE, |sums, &value| match value.is_finite() {
            true => sums.joined(Self::of_one(value, shift, band)),
            false => Self { non_finite: sums.non_finite + 1, ..sums },
        })
    }

    fn of_one(value: f32, shift: f64, band: Band) -> Self {
        let apart = f64::from(value) - shift;
        Self {
            count: 1,
            distance: apart,
            square: apart * apart,
            lowest: value,
            highest: value,
            zeros: u64::from(value == 0.0),
            inside: u64::from(value >= band.low && value <= band.high),
            non_finite: 0,
        }
    }
}

/// Returns the sum of the distances from `shift`, and of their squares.
#[inline(always)]
fn distances(values: &[f32], shift: f64) -> (f64, f64) {
    let mut distance = [0f64; LANES];
    let mut square = [0f64; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let apart = f64::from(chunk[lane]) - shift;
            distance[lane] += apart;
            square[lane] += apart * apart;
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        let apart = f64::from(value) - shift;
        distance[lane] += apart;
        square[lane] += apart * apart;
    }
    (distance.iter().sum(), square.iter().sum())
}

/// Returns the smallest and largest value.
#[inline(always)]
fn range(values: &[f32]) -> (f32, f32) {
    let mut lowest = [f32::INFINITY; LANES];
    let mut highest = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            lowest[lane] = if chunk[lane] < lowest[lane] { chunk[lane] } else { lowest[lane] };
            highest[lane] = if chunk[lane] > highest[lane] { chunk[lane] } else { highest[lane] };
        }
    }
    for &value in rest {
        lowest[0] = lowest[0].min(value);
        highest[0] = highest[0].max(value);
    }
    (lowest.into_iter().fold(f32::INFINITY, f32::min), highest.into_iter().fold(f32::NEG_INFINITY, f32::max))
}

/// Counts zeros and values within the band.
#[inline(always)]
fn counts(values: &[f32], band: Band) -> (u32, u32) {
    // Counts are kept as floats, so that float comparisons select them without conversion. A run is short enough for
    // exact counts.
    let mut zeros = [0f32; LANES];
    let mut inside = [0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            zeros[lane] += if chunk[lane] == 0.0 { 1.0 } else { 0.0 };
            let beyond = chunk[lane].max(band.low).min(band.high) != chunk[lane];
            inside[lane] += if beyond { 0.0 } else { 1.0 };
        }
    }
    let total = |lanes: [f32; LANES]| lanes.into_iter().map(|count| count as u32).sum::<u32>();
    let rest_zeros = rest.iter().filter(|value| **value == 0.0).count() as u32;
    let rest_inside = rest.iter().filter(|value| **value >= band.low && **value <= band.high).count() as u32;
    (total(zeros) + rest_zeros, total(inside) + rest_inside)
}

/// Returns (finite values, mean, standard deviation, lowest, highest, zeros, values outside [`low`, `high`], non-finite
/// values) of an array. All but the last refer to the finite values; if there are none, mean and deviation are NaN.
#[pyfunction]
pub(crate) fn signal_moments(
    py: Python<'_>,
    array: PyReadonlyArrayDyn<'_, f32>,
    low: f32,
    high: f32,
) -> PyResult<(u64, f64, f64, f32, f32, u64, u64, u64)> {
    let values = values(&array, "signal")?;
    let band = Band { low, high };
    // Shifting by a value of the array avoids cancellation when the values are far from zero.
    let shift = values.iter().copied().find(|value| value.is_finite()).map_or(0.0, f64::from);
    let sums = py.detach(|| {
        let parts = of_blocks(
            values.len(),
            #[inline(always)]
            |range| Sums::of(&values[range], shift, band),
        );
        parts.into_iter().fold(Sums::NONE, Sums::joined)
    });
    let count = sums.count as f64;
    let apart = sums.distance / count;
    let variance = (sums.square / count - apart * apart).max(0.0);
    let (mean, std) = if sums.count > 0 { (shift + apart, variance.sqrt()) } else { (f64::NAN, f64::NAN) };
    let beyond = sums.count - sums.inside;
    Ok((sums.count, mean, std, sums.lowest, sums.highest, sums.zeros, beyond, sums.non_finite))
}
