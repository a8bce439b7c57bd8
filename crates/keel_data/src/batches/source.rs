//! Fills batches: order, augmentation and preprocessing of their samples.

use super::{Batch, BatchOptions, BatchTargets, Order, Position, Share};
use crate::augment::{Augmenter, StoredSample, WindowScratch, write_sample};
use crate::dataset::{Dataset, Row, Targets};
use crate::error::DataError;
use crate::preprocess::{PreprocessScratch, Preprocessor};
use crate::random::{Purpose, shuffle, stream};
use std::sync::Arc;

/// Source of batches; cheap to clone.
#[derive(Debug, Clone)]
pub struct BatchSource {
    dataset: Arc<Dataset>,
    indices: Arc<[usize]>,
    preprocessor: Arc<Preprocessor>,
    augmenter: Option<Arc<Augmenter>>,
    options: BatchOptions,
    keeps_non_finite: bool,
    share: Share,
}

/// Scratch buffers for filling batches; nothing is allocated after the first epoch start and the largest batch.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    scratch: PreprocessScratch,
    window: WindowScratch,
    order: Vec<usize>,
    order_epoch: Option<u64>,
}

impl BatchSource {
    /// Creates a source of batches of the samples `indices` of `dataset`.
    ///
    /// # Errors
    /// Fails if there are no samples, the batch size is 0, an index is outside the dataset, or the preprocessor has
    /// another shape.
    pub fn new(
        dataset: Arc<Dataset>,
        indices: &[usize],
        preprocessor: Arc<Preprocessor>,
        options: BatchOptions,
    ) -> Result<Self, DataError> {
        if indices.is_empty() || options.batch_size == 0 {
            return Err(DataError::setting(
                "train.batch_size",
                format!("cannot form batches of {} from {} samples", options.batch_size, indices.len()),
                "Both have to be at least 1",
            ));
        }
        if let Some(outside) = indices.iter().find(|&&sample| sample >= dataset.samples()) {
            return Err(DataError::shape("sample number", format!("below {}", dataset.samples()), outside));
        }
        preprocessor.check_dataset(&dataset)?;
        Ok(Self {
            dataset,
            indices: indices.into(),
            preprocessor,
            augmenter: None,
            options,
            keeps_non_finite: false,
            share: Share::WHOLE,
        })
    }

    /// Restricts the source to one share of every batch. An empty share gets the first sample of the batch as a placeholder.
    pub fn with_share(self, share: Share) -> Self {
        Self { share, ..self }
    }

    /// Adds augmentation.
    pub fn with_augmentation(mut self, augmenter: Arc<Augmenter>) -> Self {
        self.augmenter = (!augmenter.is_off()).then_some(augmenter);
        self
    }

    /// Returns a source with the same preprocessing and augmentation for the samples `indices`.
    ///
    /// # Errors
    /// Fails under the same conditions as [`BatchSource::new`].
    pub fn of_samples(&self, indices: &[usize], options: BatchOptions) -> Result<Self, DataError> {
        let (dataset, preprocessor) = (Arc::clone(&self.dataset), Arc::clone(&self.preprocessor));
        let new = Self::new(dataset, indices, preprocessor, options)?;
        Ok(Self { augmenter: self.augmenter.clone(), share: self.share, ..new })
    }

    /// Removes augmentation.
    pub fn without_augmentation(self) -> Self {
        Self { augmenter: None, ..self }
    }

    /// Returns the augmentation in use, if any.
    pub fn augmenter(&self) -> Option<&Augmenter> {
        self.augmenter.as_deref()
    }

    /// Keeps values that are not finite after preprocessing in the batch instead of failing, for evaluations that leave
    /// out those samples.
    pub fn keeping_non_finite(mut self) -> Self {
        self.keeps_non_finite = true;
        self
    }

    /// Returns the number of batches per epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.options.steps(self.indices.len())
    }

    /// Returns the number of samples of the largest batch.
    pub fn largest_batch(&self) -> usize {
        self.options.largest_batch(self.indices.len())
    }

    /// Returns the dataset.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Returns the preprocessing.
    pub fn preprocessor(&self) -> &Arc<Preprocessor> {
        &self.preprocessor
    }

    /// Returns the sample indices of `epoch` in order, determined by the seed and the epoch alone.
    pub fn epoch_order(&self, epoch: u64) -> Vec<usize> {
        let mut order = Vec::new();
        self.write_order(epoch, &mut order);
        order
    }

    fn write_order(&self, epoch: u64, order: &mut Vec<usize>) {
        order.clear();
        order.extend_from_slice(&self.indices);
        if self.options.order == Order::Shuffled {
            shuffle(&mut stream(self.options.seed, Purpose::Order, epoch, 0), order);
        }
    }

    /// Returns a batch with capacity for the largest one.
    pub(super) fn empty_batch(&self) -> Batch {
        let largest = self.largest_batch();
        Batch {
            inputs: Vec::with_capacity(largest * self.preprocessor.output_shape().len()),
            targets: match self.dataset.targets() {
                Targets::Classes { .. } => BatchTargets::Classes(Vec::with_capacity(largest)),
                Targets::Values { target_names, .. } => {
                    BatchTargets::Values(Vec::with_capacity(largest * target_names.len()))
                }
                Targets::Unlabelled => BatchTargets::Unlabelled,
            },
            weights: Vec::with_capacity(if self.dataset.weights().is_empty() { 0 } else { largest }),
            indices: Vec::with_capacity(largest),
            ..Batch::default()
        }
    }

    /// Returns the position of the batch after `position`.
    pub(super) fn next(&self, position: Position) -> Position {
        if position.step + 1 < self.steps_per_epoch() {
            Position { step: position.step + 1, ..position }
        } else {
            Position { epoch: position.epoch + 1, step: 0 }
        }
    }

    /// Fills `batch` with the samples at `position`.
    pub(super) fn fill(
        &self,
        position: Position,
        workspace: &mut Workspace,
        batch: &mut Batch,
    ) -> Result<(), DataError> {
        if workspace.order_epoch != Some(position.epoch) {
            self.write_order(position.epoch, &mut workspace.order);
            workspace.order_epoch = Some(position.epoch);
        }
        let range = self.options.range(self.indices.len(), position.step);
        let own = self.share.range(range.len());
        batch.position = position;
        (batch.share, batch.divided_samples) = (self.share, range.len());
        let own = if own.is_empty() { 0..1 } else { own };
        batch.indices.clear();
        batch.indices.extend_from_slice(&workspace.order[range][own]);
        self.fill_targets(&batch.indices, &mut batch.targets);
        batch.weights.clear();
        if let weights @ [_, ..] = self.dataset.weights() {
            batch.weights.extend(batch.indices.iter().map(|&sample| weights[sample]));
        }
        batch.inputs.resize(batch.indices.len() * self.preprocessor.output_shape().len(), 0.0);
        match &self.augmenter {
            None if self.keeps_non_finite => {
                let inputs = &mut batch.inputs;
                self.preprocessor.gather_unchecked(&self.dataset, &batch.indices, inputs, &mut workspace.scratch)
            }
            None => self.preprocessor.gather(&self.dataset, &batch.indices, &mut batch.inputs, &mut workspace.scratch),
            Some(augmenter) => self.fill_augmented(augmenter, batch, workspace),
        }
    }

    /// Returns the targets of the step at `position` over all shares.
    pub fn targets_of_all_shares(&self, position: Position) -> BatchTargets {
        let range = self.options.range(self.indices.len(), position.step);
        let mut targets = BatchTargets::Unlabelled;
        match self.options.order {
            Order::Sequential => self.fill_targets(&self.indices[range], &mut targets),
            Order::Shuffled => self.fill_targets(&self.epoch_order(position.epoch)[range], &mut targets),
        }
        targets
    }

    fn fill_targets(&self, samples: &[usize], targets: &mut BatchTargets) {
        match (self.dataset.targets(), &mut *targets) {
            (Targets::Classes { labels, .. }, BatchTargets::Classes(targets)) => {
                targets.clear();
                targets.extend(samples.iter().map(|&sample| labels[sample]));
            }
            (Targets::Values { values, target_names }, BatchTargets::Values(targets)) => {
                let width = target_names.len();
                targets.clear();
                for &sample in samples {
                    targets.extend_from_slice(&values[sample * width..(sample + 1) * width]);
                }
            }
            (Targets::Unlabelled, _) => *targets = BatchTargets::Unlabelled,
            (Targets::Classes { .. }, _) => {
                *targets = BatchTargets::Classes(Vec::new());
                self.fill_targets(samples, targets);
            }
            (Targets::Values { .. }, _) => {
                *targets = BatchTargets::Values(Vec::new());
                self.fill_targets(samples, targets);
            }
        }
    }

    fn fill_augmented(
        &self,
        augmenter: &Augmenter,
        batch: &mut Batch,
        workspace: &mut Workspace,
    ) -> Result<(), DataError> {
        let Workspace { scratch, window, .. } = workspace;
        let shape = self.dataset.sample_shape();
        let length = shape.len();
        let plan = self.preprocessor.plan();
        let samples = batch.indices.len();
        let rows = plan.first_rows(samples, &mut batch.inputs, &mut scratch.first);
        let stored = self.dataset.rows(&batch.indices)?;
        for ((&sample, row), output) in batch.indices.iter().zip(stored.iter()).zip(rows.chunks_exact_mut(length)) {
            let draw = augmenter.draw(self.options.seed, batch.position.epoch, sample);
            match row {
                Row::Bytes(values) => {
                    write_sample(StoredSample { values, shape }, &draw, plan.first(), window, output);
                }
                Row::Floats(values) => {
                    write_sample(StoredSample { values, shape }, &draw, plan.first(), window, output);
                }
            }
        }
        plan.apply_rest(samples, scratch, &mut batch.inputs);
        self.preprocessor.check_outputs(&self.dataset, &batch.indices, &batch.inputs)
    }
}
