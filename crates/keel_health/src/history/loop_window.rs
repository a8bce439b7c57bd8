//! Totals of the training loop over one window: gradient buffers before updates, mode, and batches.

use serde::{Deserialize, Serialize};

use crate::measurement::{PredictionMeasurement, StepMeasurement};

/// Totals of the training loop over one window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoopWindow {
    /// Number of steps right after an update whose gradient buffers were measured before the backward pass.
    pub fresh_steps: u64,
    /// Number of those steps with non-zero buffers.
    pub uncleared_steps: u64,
    /// Number of steps recorded as ending without an update.
    pub accumulating_steps: u64,
    /// Number of steps with a recorded mode.
    pub mode_steps: u64,
    /// Number of those steps in evaluation mode.
    pub evaluation_steps: u64,
    /// Number of batches of at least two samples whose classes were counted.
    pub counted_batches: u64,
    /// Number of those batches with samples of one class only.
    pub one_class_batches: u64,
    /// Number of those batches with the same class as the batch before.
    pub repeated_batches: u64,
    /// Samples per class in the counted batches.
    pub class_counts: Vec<u64>,
    /// Extremes of the loss's input.
    #[serde(with = "predictions")]
    pub predictions: Option<PredictionMeasurement>,
    uncleared_norms: f64,
    /// True if the last step ended in an update.
    updated: bool,
    /// Class of the last batch, if it contained only one.
    class: Option<usize>,
}

impl LoopWindow {
    /// Returns the mean norm of the non-zero buffers, or `None` if all were zero.
    pub fn uncleared_norm(&self) -> Option<f64> {
        (self.uncleared_steps > 0).then(|| self.uncleared_norms / self.uncleared_steps as f64)
    }

    /// Returns the mean number of samples per counted batch.
    pub fn counted_samples(&self) -> f64 {
        self.class_counts.iter().sum::<u64>() as f64 / self.counted_batches as f64
    }

    pub(super) fn push(&mut self, step: &StepMeasurement) {
        if let Some(norm) = step.gradient_before_norm.filter(|_| self.updated) {
            self.fresh_steps += 1;
            if norm != 0.0 {
                self.uncleared_steps += 1;
                self.uncleared_norms += f64::from(norm);
            }
        }
        self.accumulating_steps += u64::from(step.updated == Some(false));
        self.updated = step.has_updated() == Some(true);
        if let Some(training) = step.training_mode {
            self.mode_steps += 1;
            self.evaluation_steps += u64::from(!training);
        }
        self.push_classes(&step.class_counts);
        if let Some(predictions) = step.predictions {
            self.predictions = Some(self.predictions.map_or(predictions, |known| known.joined(predictions)));
        }
    }

    fn push_classes(&mut self, counts: &[u32]) {
        let samples: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        if samples < 2 {
            return;
        }
        if self.class_counts.len() < counts.len() {
            self.class_counts.resize(counts.len(), 0);
        }
        self.class_counts.iter_mut().zip(counts).for_each(|(total, &count)| *total += u64::from(count));
        let class = counts.iter().position(|&count| u64::from(count) == samples);
        self.counted_batches += 1;
        self.one_class_batches += u64::from(class.is_some());
        self.repeated_batches += u64::from(class.is_some() && class == self.class);
        self.class = class;
    }

    /// Returns empty totals for the steps after `before`, reusing the buffers of this one.
    pub(super) fn cleared(self, before: &Self) -> Self {
        let mut class_counts = self.class_counts;
        class_counts.clear();
        class_counts.resize(before.class_counts.len(), 0);
        Self { class_counts, updated: before.updated, class: before.class, ..Self::default() }
    }
}

/// Stores extremes as plain numbers, including NaN and missing ones; the serialised form of measurement files is for JSON.
mod predictions {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::measurement::PredictionMeasurement;

    type Numbers = Option<(f32, f32, Option<f32>, Option<f32>)>;

    pub(super) fn serialize<S: Serializer>(
        extremes: &Option<PredictionMeasurement>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let numbers: Numbers = extremes.map(|of| (of.lowest, of.highest, of.lowest_row_sum, of.highest_row_sum));
        numbers.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PredictionMeasurement>, D::Error> {
        let numbers = Numbers::deserialize(deserializer)?;
        Ok(numbers.map(|(lowest, highest, lowest_row_sum, highest_row_sum)| PredictionMeasurement {
            lowest,
            highest,
            lowest_row_sum,
            highest_row_sum,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a step with `before` in its gradient buffers.
    fn step(before: f32, updated: bool) -> StepMeasurement {
        StepMeasurement { gradient_before_norm: Some(before), updated: Some(updated), ..StepMeasurement::default() }
    }

    #[test]
    fn only_steps_behind_an_update_have_to_begin_with_zero() {
        let mut window = LoopWindow::default();
        for (before, updated) in [(9.0, false), (1.0, true), (0.0, false), (1.0, true), (3.0, true), (f32::NAN, false)]
        {
            window.push(&step(before, updated));
        }
        assert_eq!((window.fresh_steps, window.uncleared_steps), (3, 2), "NaN is not zero");
        let mut next = LoopWindow::default().cleared(&window);
        next.push(&step(5.0, true));
        next.push(&step(4.0, true));
        assert_eq!((next.fresh_steps, next.uncleared_norm()), (1, Some(4.0)));
        let next = LoopWindow::default().cleared(&next);
        assert!(next.updated, "the last step of a window counts for the first of the next one");
    }

    #[test]
    fn batches_of_one_class_and_of_the_same() {
        let mut window = LoopWindow::default();
        for counts in [&[4, 0][..], &[4, 0, 0], &[0, 4], &[], &[1, 0], &[2, 2], &[0, 4], &[0, 4]] {
            window.push_classes(counts);
        }
        assert_eq!((window.counted_batches, window.one_class_batches, window.repeated_batches), (6, 5, 2));
        assert_eq!((window.class_counts.as_slice(), window.counted_samples()), (&[10, 14, 0][..], 4.0));
    }
}
