//! Signs of the gradient of weights, unit by unit.

use std::sync::atomic::{AtomicI32, Ordering};

use rayon::prelude::*;

use super::CHUNK;
use crate::normalization::columns::{lanes, wide_row};
use crate::parallel::{MINIMUM_WORK, workers};
use crate::simd;

const LANES: usize = 16;

/// Room for the counts of one weight matrix.
#[derive(Debug, Default)]
pub struct SignCounts {
    balance: Vec<AtomicI32>,
    non_zero: Vec<AtomicI32>,
}

impl SignCounts {
    /// For matrices of up to `units` columns.
    pub fn new(units: usize) -> Self {
        let zeros = || (0..units).map(|_| AtomicI32::new(0)).collect();
        SignCounts { balance: zeros(), non_zero: zeros() }
    }
}

/// Share of the units whose weight gradient, a column of `gradient` `[fan_in, units]`, has a sign agreement
/// `|n+ - n-| / (n+ + n-)` of at least `limit`. Exact zeros do not count, nor do units without anything else; 0 if there
/// is no other.
///
/// # Panics
/// If `counts` has room for fewer units or `gradient` is no whole number of rows.
pub fn sign_agreement(gradient: &[f32], units: usize, limit: f64, counts: &mut SignCounts) -> f64 {
    assert!(units > 0 && gradient.len().is_multiple_of(units), "{} values of {units} units", gradient.len());
    let (balance, non_zero) = (&mut counts.balance[..units], &mut counts.non_zero[..units]);
    balance.iter_mut().chain(&mut *non_zero).for_each(|count| *count.get_mut() = 0);
    let rows = (CHUNK / units).max(1);
    let level = simd::level();
    let (shared_balance, shared_non_zero) = (&*balance, &*non_zero);
    let work = |chunk: &[f32]| {
        level.run(
            #[inline(always)]
            || add_rows(chunk, shared_balance, shared_non_zero),
        );
    };
    if gradient.len() < MINIMUM_WORK || workers() < 2 {
        gradient.chunks(rows * units).for_each(work);
    } else {
        gradient.par_chunks(rows * units).for_each(work);
    }
    let (mut judged, mut agreeing) = (0u32, 0u32);
    for (balance, non_zero) in balance.iter_mut().zip(non_zero) {
        let (balance, non_zero) = (f64::from(balance.get_mut().abs()), f64::from(*non_zero.get_mut()));
        judged += u32::from(non_zero > 0.0);
        agreeing += u32::from(non_zero > 0.0 && balance >= limit * non_zero);
    }
    if judged > 0 { f64::from(agreeing) / f64::from(judged) } else { 0.0 }
}

#[inline(always)]
fn add_rows(values: &[f32], balance: &[AtomicI32], non_zero: &[AtomicI32]) {
    let wide = wide_row(balance.len(), values.len());
    let (body, rest) = values.split_at(values.len() / wide * wide);
    let mut column = 0;
    while column + LANES <= wide {
        count_block::<LANES>(body, (column, wide), balance, non_zero);
        column += LANES;
    }
    while column < wide {
        count_block::<1>(body, (column, wide), balance, non_zero);
        column += 1;
    }
    for unit in 0..if rest.is_empty() { 0 } else { balance.len() } {
        count_block::<1>(rest, (unit, balance.len()), balance, non_zero);
    }
}

#[inline(always)]
fn count_block<const WIDTH: usize>(
    values: &[f32],
    (column, wide): (usize, usize),
    balance: &[AtomicI32],
    non_zero: &[AtomicI32],
) {
    let (mut positive, mut negative) = ([0i32; WIDTH], [0i32; WIDTH]);
    for row in values.chunks_exact(wide) {
        let row = lanes::<WIDTH>(row, column);
        for lane in 0..WIDTH {
            positive[lane] += i32::from(row[lane] > 0.0);
            negative[lane] += i32::from(row[lane] < 0.0);
        }
    }
    for lane in 0..WIDTH {
        let unit = (column + lane) % balance.len();
        balance[unit].fetch_add(positive[lane] - negative[lane], Ordering::Relaxed);
        non_zero[unit].fetch_add(positive[lane] + negative[lane], Ordering::Relaxed);
    }
}
