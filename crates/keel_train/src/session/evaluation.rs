//! Computes metrics of samples in evaluation mode.

use std::sync::Arc;

use keel_data::{BatchOptions, BatchSource, BatchTargets, Batches, Position};
use keel_nn::{Executor, RandomKey};

use super::Session;
use crate::error::TrainError;
use crate::metrics::{Answers, Detail, Metrics, Tally, sample_words, void_outputs};
use crate::objective::Objective;
use crate::predictor::Views;

/// Executor and buffers for evaluating a network.
#[derive(Debug)]
pub(super) struct Evaluator {
    executor: Executor,
    views: Views,
    /// Combined outputs of a batch.
    outputs: Vec<f32>,
}

impl Evaluator {
    /// Creates an evaluator; `executor` must be planned for evaluation.
    pub(super) fn new(executor: Executor, views: Views) -> Self {
        Evaluator { executor, views, outputs: Vec::new() }
    }
}

/// Answers of a network to a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered<'a> {
    /// Preprocessed inputs of this rank's share of the batch, `[batch, ...]`.
    pub(crate) inputs: &'a [f32],
    /// Combined outputs of the whole batch, `[batch, outputs]`; NaN for a sample whose inputs are not finite.
    pub(crate) outputs: &'a [f32],
    /// Targets of the whole batch.
    pub(crate) targets: &'a BatchTargets,
    /// Number of samples of the whole batch.
    pub(crate) samples: usize,
}

impl Session {
    /// Computes all metrics of the samples `indices` in evaluation mode, without augmentation, using the averaged weights if
    /// there are any. Returns `None` if there are no samples. A sample whose inputs or outputs are not finite is left out and
    /// named in the result. Each rank evaluates its share of every batch, and all ranks return the metrics of all samples.
    ///
    /// # Errors
    /// If a sample cannot be preprocessed.
    pub fn evaluate(&mut self, indices: &[usize]) -> Result<Option<Metrics>, TrainError> {
        self.evaluate_watched(indices, Detail::Full, |_| {})
    }

    /// Like [`Session::evaluate`], with the given `detail`; calls `watch` after each batch with the number of samples evaluated
    /// so far.
    ///
    /// # Errors
    /// See [`Session::evaluate`].
    pub fn evaluate_watched(
        &mut self,
        indices: &[usize],
        detail: Detail,
        watch: impl FnMut(usize),
    ) -> Result<Option<Metrics>, TrainError> {
        if indices.is_empty() {
            return Ok(None);
        }
        let dataset = Arc::clone(&self.data.split.dataset);
        let options = BatchOptions::in_order(self.evaluator.executor.plan().batch());
        let source =
            BatchSource::new(dataset, indices, Arc::clone(&self.data.preprocessor), options)?.keeping_non_finite();
        let source = source.with_share(self.replica.ranks().share());
        let empty = Tally::new(&self.objective, indices.len(), detail);
        self.swap_average();
        let tally = self.tally(empty, source, watch);
        self.swap_average();
        let dataset = &self.data.split.dataset;
        Ok(Some(tally?.metrics(&self.objective, |place| sample_words(dataset, indices[place]))))
    }

    fn tally(
        &mut self,
        mut tally: Tally,
        source: BatchSource,
        mut watch: impl FnMut(usize),
    ) -> Result<Tally, TrainError> {
        let mut done = 0;
        self.answer(source, |objective, answered| {
            let Answered { outputs, targets, .. } = answered;
            tally.add(objective, Answers { outputs, targets });
            done += answered.samples;
            watch(done);
        })?;
        Ok(tally)
    }

    /// Passes the answers to the samples `indices` to `take`, batch by batch, in evaluation mode, without augmentation and with
    /// the averaged weights if there are any.
    ///
    /// # Errors
    /// If a sample cannot be preprocessed.
    pub(crate) fn answer_each(
        &mut self,
        indices: &[usize],
        take: impl FnMut(&mut Objective, Answered<'_>),
    ) -> Result<(), TrainError> {
        let dataset = Arc::clone(&self.data.split.dataset);
        let options = BatchOptions::in_order(self.evaluator.executor.plan().batch());
        let source = BatchSource::new(dataset, indices, Arc::clone(&self.data.preprocessor), options)?;
        self.swap_average();
        let answered = self.answer(source.keeping_non_finite(), take);
        self.swap_average();
        answered
    }

    fn answer(
        &mut self,
        source: BatchSource,
        mut take: impl FnMut(&mut Objective, Answered<'_>),
    ) -> Result<(), TrainError> {
        let Session { evaluator, objective, replica, .. } = self;
        let Evaluator { executor, views, outputs } = evaluator;
        let mut batches = Batches::new(source.clone(), Position::default());
        while let Some(batch) = batches.next() {
            let batch = batch?;
            outputs.clear();
            if !batch.stands_in() {
                // Evaluation uses no random numbers.
                let input = keel_nn::BatchInput { input: &batch.inputs, random: RandomKey::new(0) };
                outputs.extend_from_slice(views.outputs(executor, &replica.network, input));
                void_outputs(batch.samples(), &batch.inputs, outputs);
            }
            replica.ranks().join_values(outputs)?;
            objective.combine(outputs);
            let targets = match batch.samples() == batch.step_samples() {
                true => &batch.targets,
                false => &source.targets_of_all_shares(batch.position),
            };
            take(objective, Answered { inputs: &batch.inputs, outputs, targets, samples: batch.step_samples() });
        }
        Ok(())
    }
}
