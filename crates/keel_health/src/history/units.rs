//! Activity of every unit of an activation over a long interval: whether it fired, how often, and how often it was saturated.

use serde::{Deserialize, Serialize};

use crate::measurement::UnitMeasurement;

/// Counts of the units of one layer: the interval being filled and the last complete one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitTotal {
    filling: Counts,
    complete: Counts,
    stretches: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Counts {
    units: usize,
    samples: u64,
    observations: u64,
    fired: Vec<u64>,
    fired_counts: Vec<u64>,
    saturated_counts: Vec<u64>,
}

impl UnitTotal {
    /// Returns the number of units.
    pub fn units(&self) -> usize {
        self.complete.units
    }

    /// Returns the number of samples in the last complete interval.
    pub fn samples(&self) -> u64 {
        self.complete.samples
    }

    /// Returns the number of complete intervals so far.
    pub fn stretches(&self) -> u64 {
        self.stretches
    }

    /// Iterates over the units that never fired, in order; empty if firing was not measured.
    pub fn dead_units(&self) -> impl Iterator<Item = usize> + '_ {
        let measured = !self.complete.fired.is_empty();
        (0..self.complete.units).filter(move |&unit| measured && self.complete.fired[unit / 64] >> (unit % 64) & 1 == 0)
    }

    /// Returns the number of units that fired for less than `share` of the values seen, but at least once.
    pub fn nearly_dead(&self, share: f64) -> usize {
        let limit = share * self.complete.observations as f64;
        self.complete.fired_counts.iter().filter(|&&count| count > 0 && (count as f64) < limit).count()
    }

    /// Returns the number of units that were saturated for more than `share` of the values seen.
    pub fn saturated_units(&self, share: f64) -> usize {
        let limit = share * self.complete.observations as f64;
        self.complete.saturated_counts.iter().filter(|&&count| count as f64 > limit).count()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete.samples > 0
    }

    pub(super) fn push(&mut self, step: &UnitMeasurement, samples: u64) {
        let counts = &mut self.filling;
        counts.units = step.units;
        counts.samples += samples;
        counts.observations += step.observations;
        grow(&mut counts.fired, if has_firing(step) { step.units.div_ceil(64) } else { 0 });
        for (total, word) in counts.fired.iter_mut().zip(&step.fired) {
            *total |= word;
        }
        grow(&mut counts.fired_counts, step.fired_counts.len());
        for (unit, &count) in step.fired_counts.iter().enumerate().take(step.units) {
            counts.fired_counts[unit] += u64::from(count);
            if count > 0 {
                counts.fired[unit / 64] |= 1 << (unit % 64);
            }
        }
        grow(&mut counts.saturated_counts, step.saturated_counts.len());
        for (total, &count) in counts.saturated_counts.iter_mut().zip(&step.saturated_counts) {
            *total += u64::from(count);
        }
    }

    /// Ends the interval if it has at least `enough` samples.
    pub(super) fn close(&mut self, enough: u64) {
        if self.filling.samples == 0 || self.filling.samples < enough {
            return;
        }
        self.stretches += 1;
        std::mem::swap(&mut self.filling, &mut self.complete);
        self.filling.samples = 0;
        self.filling.observations = 0;
        self.filling.fired.fill(0);
        self.filling.fired_counts.fill(0);
        self.filling.saturated_counts.fill(0);
    }
}

fn has_firing(step: &UnitMeasurement) -> bool {
    !step.fired.is_empty() || !step.fired_counts.is_empty()
}

fn grow(values: &mut Vec<u64>, length: usize) {
    if values.len() < length {
        values.resize(length, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_steps() {
        let mut total = UnitTotal::default();
        let mut step = UnitMeasurement::with_units(3);
        step.observations = 100;
        step.fired_counts = vec![50, 1, 0];
        step.saturated_counts = vec![0, 0, 99];
        (0..2).for_each(|_| total.push(&step, 100));
        total.close(201);
        assert!(!total.is_complete());
        total.close(200);
        assert_eq!(total.dead_units().collect::<Vec<_>>(), [2]);
        assert_eq!((total.nearly_dead(0.02), total.nearly_dead(0.01)), (1, 0));
        assert_eq!(total.saturated_units(0.95), 1);
    }

    #[test]
    fn unmeasured_firing_is_not_death() {
        let mut total = UnitTotal::default();
        total.push(
            &UnitMeasurement { units: 2, observations: 10, saturated_counts: vec![10, 0], ..Default::default() },
            10,
        );
        total.close(10);
        assert_eq!(total.dead_units().count(), 0);
        assert_eq!(total.saturated_units(0.95), 1);
    }
}
