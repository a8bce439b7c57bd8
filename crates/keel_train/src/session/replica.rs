//! A network with the memory to differentiate it.

use std::sync::Arc;
use std::time::Instant;

use keel_data::Batch;
use keel_kernels::Buffer;
use keel_nn::losses::LossValue;
use keel_nn::{BatchPart, Executor, Network, Observer, Program, RandomKey};

use super::ranks::Ranks;
use crate::objective::Objective;

/// One copy of the network during training, which computes the gradient of its own samples.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) network: Network,
    pub(super) gradients: Buffer,
    executor: Executor,
    random: RandomKey,
    ranks: Ranks,
}

impl Replica {
    /// Creates a replica; `executor` must be planned for training, and `random` is the key from which the keys of all steps
    /// derive.
    pub(super) fn new(network: Network, executor: Executor, random: RandomKey) -> Self {
        let gradients = Buffer::zeroed(network.parameters.len());
        Replica { network, gradients, executor, random, ranks: Ranks::default() }
    }

    /// Makes this replica one of several, each with a share of every batch.
    pub(super) fn join(&mut self, ranks: Ranks) {
        self.executor.share_batches(Box::new(ranks.clone()));
        self.ranks = ranks;
    }

    /// Connection to the other replicas.
    pub(super) fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// Sets the epoch of the following steps, counted from 0.
    pub(super) fn begin_epoch(&mut self, epoch: u64) {
        self.executor.begin_epoch(epoch);
    }

    /// Runs forward, loss and backward of step `step`. Returns the loss of the batch and stores the gradient of its mean. If
    /// `batch` is a share, the other ranks run the same step, and loss and gradient are those of all shares together.
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
        // With equally weighted samples, the share follows from the sample counts; otherwise the weights of all ranks are
        // needed.
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

    /// Loss of a forward pass in training mode, with the random numbers of `step`; updates running statistics.
    pub(super) fn training_loss(&mut self, batch: &Batch, step: u64, objective: &mut Objective) -> LossValue {
        let input = keel_nn::BatchInput { input: &batch.inputs, random: self.random.child(step) };
        self.executor.begin_part(None);
        self.executor.forward(&mut self.network, input, &mut ());
        let targets = objective.targets(batch);
        targets.map_or_else(LossValue::default, |targets| self.executor.loss_value(targets))
    }

    /// Random key of step `step`, counted from 0.
    pub(super) fn step_key(&self, step: u64) -> RandomKey {
        self.random.child(step)
    }

    /// Program of a training step.
    pub(super) fn program(&self) -> &Arc<Program> {
        self.executor.program()
    }
}

/// Number of samples of a share that count towards the step.
fn own_samples(batch: &Batch) -> usize {
    if batch.stands_in() { 0 } else { batch.samples() }
}

/// Scales the gradient of the mean over a share to its part of the gradient of the mean over all shares; `part` is the share's
/// fraction of the total weight.
fn scale_gradient(gradient: &mut [f32], part: f64) {
    match part {
        // The placeholder of an empty share may have any gradient.
        0.0 => gradient.fill(0.0),
        _ => gradient.iter_mut().for_each(|value| *value *= part as f32),
    }
}
