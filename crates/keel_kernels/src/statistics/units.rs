//! How often every unit of an activation fired or was saturated.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Limits;

/// Columns counted in registers at once.
const LANES: usize = 32;

/// Counts of the units of one activation over one batch. Counts are integers, so the order in which threads add to them
/// does not matter.
#[derive(Debug, Default)]
pub struct UnitCounts {
    observations: u64,
    fired: Vec<AtomicU32>,
    saturated: Vec<AtomicU32>,
}

impl UnitCounts {
    /// Nothing counted yet, for `units` units: features of a vector or channels of an image.
    pub fn new(units: usize) -> Self {
        let zeros = || (0..units).map(|_| AtomicU32::new(0)).collect();
        UnitCounts { observations: 0, fired: zeros(), saturated: zeros() }
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.fired.len()
    }

    /// Values seen of each unit; 0 if nothing was counted.
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Forgets everything and announces `observations` values of each unit.
    pub fn begin(&mut self, observations: u64) {
        self.observations = observations;
        self.fired.iter_mut().chain(&mut self.saturated).for_each(|count| *count.get_mut() = 0);
    }

    /// Number of values above zero of each unit.
    pub fn fired(&mut self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.fired.iter_mut().map(|count| *count.get_mut())
    }

    /// Number of saturated values of each unit.
    pub fn saturated(&mut self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.saturated.iter_mut().map(|count| *count.get_mut())
    }

    /// Adds to the counts of unit `unit`, for kernels that count themselves.
    pub fn add(&self, unit: usize, fired: u32, saturated: u32) {
        self.fired[unit].fetch_add(fired, Ordering::Relaxed);
        if saturated > 0 {
            self.saturated[unit].fetch_add(saturated, Ordering::Relaxed);
        }
    }

    /// Counts `values`, whole rows `[rows, units]`. For use inside [`crate::simd::Level::run`].
    #[inline(always)]
    pub fn add_rows(&self, values: &[f32], limits: Limits) {
        let units = self.units();
        // Few units are handled several rows at a time: neighbouring floats of one wide row belong to unit i % units.
        let wide = if units >= LANES { units } else { (units * LANES) >> units.trailing_zeros() };
        let wide = if wide <= values.len() { wide } else { units };
        let body = values.len() / wide * wide;
        let mut column = 0;
        while column + LANES <= wide {
            self.count_block::<LANES>(&values[..body], (column, wide), limits);
            column += LANES;
        }
        while column + 8 <= wide {
            self.count_block::<8>(&values[..body], (column, wide), limits);
            column += 8;
        }
        while column < wide {
            self.count_block::<1>(&values[..body], (column, wide), limits);
            column += 1;
        }
        for (index, &value) in values[body..].iter().enumerate() {
            let saturated = (value < limits.low) | (value > limits.high);
            self.add(index % units, u32::from(value > 0.0), u32::from(saturated));
        }
    }

    #[inline(always)]
    fn count_block<const WIDTH: usize>(&self, values: &[f32], (column, wide): (usize, usize), limits: Limits) {
        let (mut fired, mut saturated) = ([0u32; WIDTH], [0u32; WIDTH]);
        for row in values.chunks_exact(wide) {
            let row: &[f32; WIDTH] = row[column..].first_chunk().expect("a block lies inside its row");
            for lane in 0..WIDTH {
                fired[lane] += u32::from(row[lane] > 0.0);
                saturated[lane] += u32::from((row[lane] < limits.low) | (row[lane] > limits.high));
            }
        }
        for lane in 0..WIDTH {
            self.add((column + lane) % self.units(), fired[lane], saturated[lane]);
        }
    }
}
