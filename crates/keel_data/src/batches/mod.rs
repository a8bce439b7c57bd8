//! Batches: their samples, order and preparation.

mod in_order;
mod loader;
mod share;
mod source;

pub use in_order::Batches;
pub use loader::{LoadedBatch, Loader};
pub use share::Share;
pub use source::BatchSource;

/// Samples of one step, ready for the network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Preprocessed inputs, `[samples, ...]`.
    pub inputs: Vec<f32>,
    /// Targets of the samples.
    pub targets: BatchTargets,
    /// Weight of each sample in the loss, `[samples]`; empty if all weigh the same.
    pub weights: Vec<f32>,
    /// Indices of the samples in the dataset, `[samples]`.
    pub indices: Vec<usize>,
    /// Position of the batch in the run.
    pub position: Position,
    /// Share of the step's samples that this batch holds.
    pub share: Share,
    /// Number of samples of the step over all shares; unused if the batch holds the whole step.
    pub divided_samples: usize,
}

impl Batch {
    /// Returns the number of samples.
    pub fn samples(&self) -> usize {
        self.indices.len()
    }

    /// Returns the number of samples of the step over all shares.
    pub fn step_samples(&self) -> usize {
        if self.share == Share::WHOLE { self.samples() } else { self.divided_samples }
    }

    /// Returns the number of samples of the step in the shares before this one.
    pub fn first_sample(&self) -> usize {
        self.share.range(self.step_samples()).start
    }

    /// Returns true if the share is empty: the batch then holds one placeholder sample that is not counted anywhere.
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
    /// No targets.
    #[default]
    Unlabelled,
}

/// Position in a run: step and epoch, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Epoch.
    pub epoch: u64,
    /// Step within the epoch.
    pub step: usize,
}

/// Order of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The given order in every epoch.
    Sequential,
    /// A permutation determined by the seed and the epoch alone.
    Shuffled,
}

/// Handling of a short last batch of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// Keeps the short batch.
    Keep,
    /// Drops the short batch, unless it is the only one.
    Drop,
    /// Keeps the short batch, but merges a single sample into the batch before it, since batch norm cannot train on one sample.
    MergeSingle,
}

/// Settings for forming batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// Samples per batch, at least 1.
    pub batch_size: usize,
    /// Seed of the order and of augmentation.
    pub seed: u64,
    /// Order of the samples.
    pub order: Order,
    /// Handling of a short last batch.
    pub last: LastBatch,
}

impl BatchOptions {
    /// Returns options that visit every sample once in the given order, for evaluation.
    pub fn in_order(batch_size: usize) -> Self {
        Self { batch_size, seed: 0, order: Order::Sequential, last: LastBatch::Keep }
    }

    /// Returns options that reshuffle in every epoch, for training.
    pub fn shuffled(batch_size: usize, seed: u64) -> Self {
        Self { batch_size, seed, order: Order::Shuffled, last: LastBatch::MergeSingle }
    }

    /// Returns the number of batches in `samples` samples.
    pub fn steps(&self, samples: usize) -> usize {
        let (full, rest) = (samples / self.batch_size, samples % self.batch_size);
        match self.last {
            _ if full == 0 => usize::from(rest > 0),
            LastBatch::Drop => full,
            LastBatch::MergeSingle if rest == 1 => full,
            _ => full + usize::from(rest > 0),
        }
    }

    /// Returns the positions in the order that form step `step`.
    pub(crate) fn range(&self, samples: usize, step: usize) -> std::ops::Range<usize> {
        let start = (step * self.batch_size).min(samples);
        let end = (start + self.batch_size).min(samples);
        let is_last = step + 1 == self.steps(samples);
        if self.last == LastBatch::MergeSingle && is_last && end + 1 == samples { start..samples } else { start..end }
    }

    /// Returns the number of samples of the largest batch.
    pub fn largest_batch(&self, samples: usize) -> usize {
        match self.steps(samples) {
            0 => 0,
            steps => self.range(samples, 0).len().max(self.range(samples, steps - 1).len()),
        }
    }
}

#[cfg(test)]
mod tests;
