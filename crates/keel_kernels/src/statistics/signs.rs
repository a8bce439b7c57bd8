//! Signs of the gradient of weights, unit by unit.

use std::sync::atomic::{AtomicI32, Ordering};

use rayon::prelude::*;

use super::CHUNK;
use crate::columns::{Columns, lanes, wide_row};
use crate::parallel::{MINIMUM_WORK, workers};
use crate::simd::SimdLevel;

const LANES: usize = 16;

/// Number of weights that are read of a larger matrix: rows spread evenly over it, an odd number of rows apart.
const SAMPLE: usize = 64 * 1024;

/// Minimum number of rows that are read, if there are as many.
const LEAST_ROWS: usize = 64;

/// Counts of one weight matrix, kept between calls.
#[derive(Debug, Default)]
pub struct SignCounts {
    balance: Vec<AtomicI32>,
    non_zero: Vec<AtomicI32>,
}

impl SignCounts {
    /// Creates counts for matrices of up to `units` columns.
    pub fn new(units: usize) -> Self {
        let zeros = || (0..units).map(|_| AtomicI32::new(0)).collect();
        SignCounts { balance: zeros(), non_zero: zeros() }
    }
}

/// Returns the fraction of the units whose weight gradient, a column of `gradient` `[fan_in, units]`, has a sign agreement
/// `|n+ - n-| / (n+ + n-)` of at least `limit`. Exact zeros do not count, nor do units with nothing else; 0 if there are no other
/// units. Of a matrix with more than 64 Ki weights, every n-th row is read, for an odd n: about as many weights, and at least 64
/// rows.
///
/// # Panics
/// If there are fewer counts than units, or `gradient` is not a whole number of rows.
pub fn sign_agreement(simd: SimdLevel, gradient: &[f32], units: usize, limit: f64, counts: &mut SignCounts) -> f64 {
    assert!(units > 0 && gradient.len().is_multiple_of(units), "{} values of {units} units", gradient.len());
    assert!(units <= counts.balance.len(), "{units} units, counts of {}", counts.balance.len());
    let (balance, non_zero) = (&mut counts.balance[..units], &mut counts.non_zero[..units]);
    balance.iter_mut().chain(&mut *non_zero).for_each(|count| *count.get_mut() = 0);
    let shared = SharedCounts { balance, non_zero };
    let step = row_step(gradient.len() / units, units);
    if step > 1 {
        simd.run(
            #[inline(always)]
            || add_columns(gradient, step * units, shared),
        );
    } else {
        let rows = (CHUNK / units).max(1);
        let work = |chunk: &[f32]| {
            simd.run(
                #[inline(always)]
                || add_rows(chunk, shared),
            );
        };
        if gradient.len() < MINIMUM_WORK || workers() < 2 {
            gradient.chunks(rows * units).for_each(work);
        } else {
            gradient.par_chunks(rows * units).for_each(work);
        }
    }
    let (mut judged, mut agreeing) = (0u32, 0u32);
    for (balance, non_zero) in balance.iter_mut().zip(non_zero) {
        let (balance, non_zero) = (f64::from(balance.get_mut().abs()), f64::from(*non_zero.get_mut()));
        judged += u32::from(non_zero > 0.0);
        agreeing += u32::from(non_zero > 0.0 && balance >= limit * non_zero);
    }
    if judged > 0 { f64::from(agreeing) / f64::from(judged) } else { 0.0 }
}

/// Counts of all units, which chunks add to.
#[derive(Clone, Copy)]
struct SharedCounts<'a> {
    /// Number of positive values minus number of negative ones.
    balance: &'a [AtomicI32],
    non_zero: &'a [AtomicI32],
}

/// Returns the distance of the rows that are read in a matrix of `rows` rows.
fn row_step(rows: usize, units: usize) -> usize {
    let looked_at = (SAMPLE / units).max(LEAST_ROWS);
    if rows <= looked_at { 1 } else { rows.div_ceil(looked_at) | 1 }
}

/// Adds the first row of every `row_length` floats.
#[inline(always)]
fn add_columns(values: &[f32], row_length: usize, counts: SharedCounts<'_>) {
    let units = counts.balance.len();
    let mut first = 0;
    while first + LANES <= units {
        count_block::<LANES>(values, Columns { first, row_length }, counts);
        first += LANES;
    }
    while first < units {
        count_block::<1>(values, Columns { first, row_length }, counts);
        first += 1;
    }
}

#[inline(always)]
fn add_rows(values: &[f32], counts: SharedCounts<'_>) {
    let units = counts.balance.len();
    let row_length = wide_row(units, values.len());
    let (body, rest) = values.split_at(values.len() / row_length * row_length);
    let mut first = 0;
    while first + LANES <= row_length {
        count_block::<LANES>(body, Columns { first, row_length }, counts);
        first += LANES;
    }
    while first < row_length {
        count_block::<1>(body, Columns { first, row_length }, counts);
        first += 1;
    }
    for unit in 0..if rest.is_empty() { 0 } else { units } {
        count_block::<1>(rest, Columns { first: unit, row_length: units }, counts);
    }
}

#[inline(always)]
fn count_block<const WIDTH: usize>(values: &[f32], columns: Columns, counts: SharedCounts<'_>) {
    let (mut positive, mut negative) = ([0i32; WIDTH], [0i32; WIDTH]);
    for row in values.chunks_exact(columns.row_length) {
        let row = lanes::<WIDTH>(row, columns.first);
        for lane in 0..WIDTH {
            positive[lane] += i32::from(row[lane] > 0.0);
            negative[lane] += i32::from(row[lane] < 0.0);
        }
    }
    for lane in 0..WIDTH {
        let unit = (columns.first + lane) % counts.balance.len();
        counts.balance[unit].fetch_add(positive[lane] - negative[lane], Ordering::Relaxed);
        counts.non_zero[unit].fetch_add(positive[lane] + negative[lane], Ordering::Relaxed);
    }
}
