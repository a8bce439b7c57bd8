//! Flight recorder: keeps the last steps, and finds the operation that produced the first NaN or infinity of a step.
//!
//! Every step records its numbers and the samples of its batch in a ring of [`STEPS`] entries allocated beforehand. A step
//! whose loss or gradient is not finite is never applied to the weights ([`crate::Session::step`]), so that the weights in
//! memory are those before the step: it is replayed from them with every tensor kept, layer by layer and without fusion, and
//! the first bad operation, the ranges of its operands and the samples involved are written to a file.

mod replay;
mod tensor_range;

use std::collections::VecDeque;

use keel_data::{Batch, Dataset};
use serde::{Deserialize, Serialize};

pub use replay::{BadOperation, Phase, Replay};
pub use tensor_range::{Operand, TensorRange};

use crate::session::{Session, StepResult};

/// Number of steps that are kept.
pub const STEPS: usize = 50;

/// Maximum number of samples named in the error message; the file contains all of them.
const SAMPLES_IN_MESSAGE: usize = 3;

/// Last steps of a training run.
#[derive(Debug, Clone)]
pub struct FlightRecorder {
    steps: VecDeque<RecordedStep>,
    /// Buffers for the samples of future steps.
    spare: Vec<Vec<usize>>,
}

/// One recorded step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedStep {
    /// Number of the step, counted from 1.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Mean loss of the batch; `None` if it is not finite.
    pub loss: Option<f64>,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Norm of the whole gradient before clipping; `None` if it is not finite.
    pub gradient_norm: Option<f64>,
    /// Indices of its samples in the dataset.
    pub samples: Vec<usize>,
}

/// Contents of `flight_recorder.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlightRecord {
    /// Number of the step that failed, counted from 1.
    pub step: u64,
    /// Epoch of the step, counted from 1.
    pub epoch: u64,
    /// First operation of the replayed step that produced a NaN or an infinity; `None` if no tensor contains one, and only the
    /// norm of the gradient overflows.
    pub first_bad_operation: Option<BadOperation>,
    /// Maximum absolute value of the gradient and its parameter, if it is finite.
    pub largest_gradient: Option<(String, f64)>,
    /// Samples involved, by index and origin.
    pub samples: Vec<SampleOrigin>,
    /// The last steps, oldest first; the failed one is the last.
    pub steps: Vec<RecordedStep>,
}

/// A sample with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleOrigin {
    /// Index in the dataset.
    pub index: usize,
    /// File, line or record, if the data has them.
    pub origin: String,
}

impl FlightRecorder {
    /// Creates an empty recorder, for batches of up to `batch` samples.
    pub fn new(batch: usize) -> Self {
        let spare = (0..STEPS).map(|_| Vec::with_capacity(batch)).collect();
        FlightRecorder { steps: VecDeque::with_capacity(STEPS), spare }
    }

    /// Records a step with the samples `indices`; the oldest step is discarded.
    pub fn record(&mut self, step: RecordedStep, indices: &[usize]) {
        let oldest = || self.steps.pop_front().map(|oldest| oldest.samples).unwrap_or_default();
        let mut samples = self.spare.pop().unwrap_or_else(oldest);
        samples.clear();
        samples.extend_from_slice(indices);
        self.steps.push_back(RecordedStep { samples, ..step });
    }

    /// Iterates over the recorded steps, oldest first.
    pub fn steps(&self) -> impl Iterator<Item = &RecordedStep> {
        self.steps.iter()
    }

    /// Replays `batch`, the batch of the last recorded step, from the weights in `session`, and reports the first bad
    /// operation.
    pub fn examine(&self, session: &Session, batch: &Batch) -> FlightRecord {
        let last = self.steps.back().cloned().unwrap_or_default();
        let replay = Replay::run(session, batch, last.step.saturating_sub(1));
        let dataset = &session.data().dataset;
        let samples = replay.samples.iter().filter_map(|&row| batch.indices.get(row));
        FlightRecord {
            step: last.step,
            epoch: last.epoch,
            first_bad_operation: replay.first_bad_operation,
            largest_gradient: replay.largest_gradient,
            samples: samples.map(|&index| origin(dataset, index)).collect(),
            steps: self.steps.iter().cloned().collect(),
        }
    }
}

impl RecordedStep {
    /// Creates a step without samples.
    pub fn new(step: u64, epoch: u64, learning_rate: f64, result: StepResult) -> Self {
        let finite = |value: f64| value.is_finite().then_some(value);
        let (loss, gradient_norm) = (finite(result.loss), finite(result.gradient_norm));
        RecordedStep { step, epoch, loss, learning_rate, gradient_norm, samples: Vec::new() }
    }
}

impl FlightRecord {
    /// Describes the failure in words: the operation, its operands, the samples.
    pub fn account(&self) -> String {
        let mut text = match (&self.first_bad_operation, &self.largest_gradient) {
            (Some(operation), _) => operation.describe(),
            (None, Some((parameter, value))) => {
                format!("every tensor is finite, but the squares of the gradient overflow: {value:.1e} in {parameter}")
            }
            (None, None) => "the replayed step is finite".to_owned(),
        };
        if !self.samples.is_empty() {
            let name = |sample: &SampleOrigin| sample.origin.trim_start_matches("sample ").to_owned();
            let mut names: Vec<String> = self.samples.iter().take(SAMPLES_IN_MESSAGE).map(name).collect();
            if self.samples.len() > SAMPLES_IN_MESSAGE {
                names.push(format!("and {} more", self.samples.len() - SAMPLES_IN_MESSAGE));
            }
            text.push_str(&format!("; samples: {}", names.join(", ")));
        }
        text
    }
}

fn origin(dataset: &Dataset, index: usize) -> SampleOrigin {
    SampleOrigin { index, origin: dataset.provenance().describe(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fifty_steps_are_kept_with_their_samples() {
        let mut recorder = FlightRecorder::new(2);
        for step in 1..=120 {
            let loss = if step == 120 { f64::NAN } else { 1.0 };
            let result = StepResult { loss, right: 0, gradient_norm: 1.0 };
            recorder.record(RecordedStep::new(step, 1, 0.1, result), &[step as usize, 7]);
        }
        let steps: Vec<&RecordedStep> = recorder.steps().collect();
        assert_eq!((steps.len(), steps[0].step, steps[49].step), (50, 71, 120));
        assert_eq!((steps[49].samples.as_slice(), steps[49].loss), ([120, 7].as_slice(), None));
    }
}
