//! Batches: their samples, their order and their preparation.

mod in_order;
mod loader;
mod share;
mod source;

pub use in_order::Batches;
pub use loader::{LoadedBatch, Loader};
pub use share::Share;
pub use source::BatchSource;

/// Samples of one step, ready for a network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Preprocessed inputs, `[samples, ...]`.
    pub inputs: Vec<f32>,
    /// Their targets.
    pub targets: BatchTargets,
    /// Weight of each sample in the loss, `[samples]`; empty if all weigh the same.
    pub weights: Vec<f32>,
    /// Their numbers in the dataset, `[samples]`.
    pub indices: Vec<usize>,
    /// Place of this batch in the run.
    pub position: Position,
    /// Share of the step's samples that the batch has.
    pub share: Share,
    /// Samples of the step in all shares together; unused where the batch has all of them.
    pub divided_samples: usize,
}

impl Batch {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.indices.len()
    }

    /// Number of samples of the step, in all shares together.
    pub fn step_samples(&self) -> usize {
        if self.share == Share::WHOLE { self.samples() } else { self.divided_samples }
    }

    /// Number of samples of the step in the shares before this one.
    pub fn first_sample(&self) -> usize {
        self.share.range(self.step_samples()).start
    }

    /// Returns true if the share is empty: the one sample of the batch then stands in for it and counts nowhere.
    pub fn stands_in(&self) -> bool {
        self.share.range(self.step_samples()).is_empty()
    }
}

/// Targets of a batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum BatchTargets {
    /// Classes, `[samples]`.
    Classes(Vec<u32>),
    /// Numbers, `[samples, targets]`.
    Values(Vec<f32>),
    /// Nothing known.
    #[default]
    Unlabelled,
}

/// A place in a run: the step `step` of the epoch `epoch`, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Epoch.
    pub epoch: u64,
    /// Step within the epoch.
    pub step: usize,
}

/// In which order samples come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The given order, in every epoch.
    Sequential,
    /// A permutation that is a function of the seed and the epoch alone.
    Shuffled,
}

/// Handling of the last batch of an epoch if it is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// It stays short.
    Keep,
    /// It is left out, unless it is the only one.
    Drop,
    /// It stays short, but a single sample joins the batch before it: batch norm cannot train on one.
    MergeSingle,
}

/// Settings for forming batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// Samples a batch, at least 1.
    pub batch_size: usize,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Order of the samples.
    pub order: Order,
    /// The short last batch.
    pub last: LastBatch,
}

impl BatchOptions {
    /// Every sample once, in the given order: for evaluation.
    pub fn in_order(batch_size: usize) -> Self {
        Self { batch_size, seed: 0, order: Order::Sequential, last: LastBatch::Keep }
    }

    /// Shuffled again in every epoch: for training.
    pub fn shuffled(batch_size: usize, seed: u64) -> Self {
        Self { batch_size, seed, order: Order::Shuffled, last: LastBatch::MergeSingle }
    }

    /// Number of batches of `samples` samples.
    pub fn steps(&self, samples: usize) -> usize {
        let (full, rest) = (samples / self.batch_size, samples % self.batch_size);
        match self.last {
            _ if full == 0 => usize::from(rest > 0),
            LastBatch::Drop => full,
            LastBatch::MergeSingle if rest == 1 => full,
            _ => full + usize::from(rest > 0),
        }
    }

    /// Which of `samples` samples, counted along the order, make up `step`.
    pub(crate) fn range(&self, samples: usize, step: usize) -> std::ops::Range<usize> {
        let start = (step * self.batch_size).min(samples);
        let end = (start + self.batch_size).min(samples);
        let is_last = step + 1 == self.steps(samples);
        if self.last == LastBatch::MergeSingle && is_last && end + 1 == samples { start..samples } else { start..end }
    }

    /// Samples of the largest batch.
    pub fn largest_batch(&self, samples: usize) -> usize {
        match self.steps(samples) {
            0 => 0,
            steps => self.range(samples, 0).len().max(self.range(samples, steps - 1).len()),
        }
    }
}

#[cfg(test)]
mod tests;
