//! A network with the memory to differentiate it.

use std::sync::Arc;
use std::time::Instant;

use keel_data::Batch;
use keel_kernels::Buffer;
use keel_nn::losses::LossValue;
use keel_nn::{BatchPart, Executor, Network, Observer, Program, RandomKey};

use super::ranks::Ranks;
use crate::objective::Objective;

/// One copy of the network in training: what computes the gradient on its own samples.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) network: Network,
    pub(super) gradients: Buffer,
    executor: Executor,
    random: RandomKey,
    ranks: Ranks,
}

impl Replica {
    /// `executor` is planned for training; `random` is the key of all steps.
    pub(super) fn new(network: Network, executor: Executor, random: RandomKey) -> Self {
        let gradients = Buffer::zeroed(network.parameters.len());
        Replica { network, gradients, executor, random, ranks: Ranks::default() }
    }

    /// Makes it one of several, of which each has a share of every batch.
    pub(super) fn join(&mut self, ranks: Ranks) {
        self.executor.share_batches(Box::new(ranks.clone()));
        self.ranks = ranks;
    }

    /// The other replicas.
    pub(super) fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// Sets the epoch of the steps that follow, counted from 0.
    pub(super) fn begin_epoch(&mut self, epoch: u64) {
        self.executor.begin_epoch(epoch);
    }

    /// Forward, loss and backward of step `step`: returns the loss of the batch and leaves the gradient of its mean. Where `batch`
    /// is a share, the others run the same step, and loss and gradient are those of all shares together.
    pub(super) fn gradient(
        &mut self,
        batch: &Batch,
        step: u64,
        objective: &mut Objective,
        observer: &mut dyn Observer,
    ) -> LossValue {
        let Replica { network, gradients, executor, random, ranks } = self;
        let input = keel_nn::BatchInput { input: &batch.inputs, random: random.child(step) };
        let part = (batch.share.size > 1)
            .then(|| BatchPart { first_sample: batch.first_sample(), stands_in: batch.stands_in() });
        let (began, waited) = (Instant::now(), ranks.communicator().waited());
        executor.begin_part(part);
        ranks.begin_pass(part.is_some() || ranks.share().size == 1);
        ranks.timed("forward", || {
            executor.forward(network, input, observer);
        });
        let own = objective.targets(batch).map_or_else(LossValue::default, |targets| executor.loss(targets));
        let Some(part) = part else {
            ranks.timed("backward", || executor.backward(network, input, gradients, observer));
            ranks.note_step(began, waited);
            return own;
        };
        let own = if part.stands_in { LossValue::default() } else { own };
        let losses = ranks.start_loss(own);
        // Samples of equal weights count as many as they are; else the weights of all ranks have to be known.
        let (share, whole) = match objective.weighs_samples_alike(batch) {
            true => (own_samples(batch) as f64 / batch.step_samples() as f64, Err(losses)),
            false => {
                let whole = ranks.timed("wait for losses", || ranks.whole_loss(losses));
                (own.weight / whole.weight, Ok(whole))
            }
        };
        scale_gradient(executor.outputs_and_gradient().1, share);
        ranks.begin_gradients();
        ranks.timed("backward", || executor.backward(network, input, gradients, observer));
        let whole = whole.unwrap_or_else(|losses| ranks.timed("wait for losses", || ranks.whole_loss(losses)));
        ranks.timed("wait for gradients", || ranks.finish_gradients(gradients));
        ranks.note_step(began, waited);
        whole
    }

    /// Loss of a forward pass in training mode, with the random numbers of `step`; moves running statistics.
    pub(super) fn training_loss(&mut self, batch: &Batch, step: u64, objective: &mut Objective) -> LossValue {
        let input = keel_nn::BatchInput { input: &batch.inputs, random: self.random.child(step) };
        self.executor.begin_part(None);
        self.executor.forward(&mut self.network, input, &mut ());
        let targets = objective.targets(batch);
        targets.map_or_else(LossValue::default, |targets| self.executor.loss_value(targets))
    }

    /// Key of the random numbers of step `step`, counted from 0.
    pub(super) fn step_key(&self, step: u64) -> RandomKey {
        self.random.child(step)
    }

    /// Program of a training step.
    pub(super) fn program(&self) -> &Arc<Program> {
        self.executor.program()
    }
}

/// Samples of a share that count.
fn own_samples(batch: &Batch) -> usize {
    if batch.stands_in() { 0 } else { batch.samples() }
}

/// Turns the gradient of the mean over a share into its part of that of the mean over all shares, of whose weight the share has
/// `part`.
fn scale_gradient(gradient: &mut [f32], part: f64) {
    match part {
        // What stands in for an empty share may have any gradient.
        0.0 => gradient.fill(0.0),
        _ => gradient.iter_mut().for_each(|value| *value *= part as f32),
    }
}
