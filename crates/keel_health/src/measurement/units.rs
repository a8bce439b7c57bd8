//! Exact firing of the units of an activation: one bit and one count per unit.

use serde::{Deserialize, Serialize};

/// Firing of the units of one activation layer in one step. A unit is a feature of a linear layer or a channel of a
/// convolution. Covers this step's batch; the history accumulates over longer intervals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnitMeasurement {
    /// Number of units.
    pub units: usize,
    /// Number of values seen of every unit: samples × positions.
    pub observations: u64,
    /// Bit `unit % 64` of word `unit / 64` is set if the unit was above zero anywhere in the batch.
    /// `[ceil(units / 64)]`, or empty if not measured.
    pub fired: Vec<u64>,
    /// Number of values above zero of every unit. `[units]`, or empty.
    pub fired_counts: Vec<u32>,
    /// Number of saturated values of every unit. `[units]`, or empty.
    pub saturated_counts: Vec<u32>,
}

impl UnitMeasurement {
    /// Creates empty counts for `units` units, with allocated buffers.
    pub fn with_units(units: usize) -> Self {
        Self {
            units,
            observations: 0,
            fired: vec![0; units.div_ceil(64)],
            fired_counts: vec![0; units],
            saturated_counts: vec![0; units],
        }
    }

    /// Clears all counts; keeps the buffers.
    pub fn clear(&mut self) {
        self.observations = 0;
        self.fired.fill(0);
        self.fired_counts.fill(0);
        self.saturated_counts.fill(0);
    }

    /// Marks `unit` as fired.
    pub fn set_fired(&mut self, unit: usize) {
        self.fired[unit / 64] |= 1 << (unit % 64);
    }

    /// Returns true if `unit` fired at least once, according to its bit or its count.
    pub fn has_fired(&self, unit: usize) -> bool {
        let by_bit = self.fired.get(unit / 64).is_some_and(|word| word >> (unit % 64) & 1 == 1);
        by_bit || self.fired_counts.get(unit).is_some_and(|&count| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_at_word_boundaries() {
        for units in [1, 63, 64, 65, 130] {
            let mut measured = UnitMeasurement::with_units(units);
            measured.set_fired(units - 1);
            let fired: Vec<usize> = (0..units).filter(|&unit| measured.has_fired(unit)).collect();
            assert_eq!(fired, [units - 1]);
            measured.clear();
            assert!((0..units).all(|unit| !measured.has_fired(unit)));
        }
    }

    #[test]
    fn units_beyond_the_bitmap_have_not_fired() {
        assert!(!UnitMeasurement::with_units(3).has_fired(1000));
    }
}
