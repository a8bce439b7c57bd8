//! Counts of how often every unit of an activation was active or saturated.

use std::sync::atomic::{AtomicU32, Ordering};

/// Counts of the units of one activation over one batch. Counts are integers, so that the order in which threads add to them does
/// not matter.
#[derive(Debug, Default)]
pub struct UnitCounts {
    observations: u64,
    fired: Vec<AtomicU32>,
    saturated: Vec<AtomicU32>,
}

impl UnitCounts {
    /// Creates counts of zero for `units` units: features of a vector or channels of an image.
    pub fn new(units: usize) -> Self {
        let zeros = || (0..units).map(|_| AtomicU32::new(0)).collect();
        UnitCounts { observations: 0, fired: zeros(), saturated: zeros() }
    }

    /// Returns the number of units.
    pub fn units(&self) -> usize {
        self.fired.len()
    }

    /// Returns the number of values of each unit; 0 if nothing was counted.
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Resets all counts and sets the number of `observations` of each unit.
    pub fn begin(&mut self, observations: u64) {
        self.observations = observations;
        self.fired.iter_mut().chain(&mut self.saturated).for_each(|count| *count.get_mut() = 0);
    }

    /// Iterates over the number of values above zero of each unit.
    pub fn fired(&mut self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.fired.iter_mut().map(|count| *count.get_mut())
    }

    /// Iterates over the number of saturated values of each unit.
    pub fn saturated(&mut self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.saturated.iter_mut().map(|count| *count.get_mut())
    }

    /// Adds to the counts of unit `unit`, for kernels that count themselves.
    pub fn add(&self, unit: usize, fired: u32, saturated: u32) {
        if fired > 0 {
            self.fired[unit].fetch_add(fired, Ordering::Relaxed);
        }
        if saturated > 0 {
            self.saturated[unit].fetch_add(saturated, Ordering::Relaxed);
        }
    }
}
