//! A network with the memory to differentiate it.

use std::sync::Arc;

use keel_data::Batch;
use keel_kernels::Buffer;
use keel_nn::losses::LossValue;
use keel_nn::{Executor, Network, Observer, Program, RandomKey};

use crate::objective::Objective;

/// One copy of the network in training: what computes the gradient on its own samples.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) network: Network,
    pub(super) gradients: Buffer,
    executor: Executor,
    random: RandomKey,
}

impl Replica {
    /// `executor` is planned for training; `random` is the key of all steps.
    pub(super) fn new(network: Network, executor: Executor, random: RandomKey) -> Self {
        let gradients = Buffer::zeroed(network.parameters.len());
        Replica { network, gradients, executor, random }
    }

    /// Sets the epoch of the steps that follow, counted from 0.
    pub(super) fn begin_epoch(&mut self, epoch: u64) {
        self.executor.begin_epoch(epoch);
    }

    /// Forward, loss and backward of step `step`: returns the loss of the batch and leaves the gradient of its mean.
    pub(super) fn gradient(
        &mut self,
        batch: &Batch,
        step: u64,
        objective: &mut Objective,
        observer: &mut dyn Observer,
    ) -> LossValue {
        let Replica { network, gradients, executor, random } = self;
        let input = keel_nn::BatchInput { input: &batch.inputs, random: random.child(step) };
        executor.forward(network, input, observer);
        let loss = objective.targets(batch).map_or_else(LossValue::default, |targets| executor.loss(targets));
        executor.backward(network, input, gradients, observer);
        loss
    }

    /// Loss of a forward pass in training mode, with the random numbers of `step`; moves running statistics.
    pub(super) fn training_loss(&mut self, batch: &Batch, step: u64, objective: &mut Objective) -> LossValue {
        let input = keel_nn::BatchInput { input: &batch.inputs, random: self.random.child(step) };
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
