//! A yardstick network with its batch, ready for training steps or evaluations.

use std::time::Instant;

use keel_kernels::Buffer;
use keel_kernels::parallel::workers;
use keel_nn::graph::Graph;
use keel_nn::losses::{Loss, TargetKind, Targets};
use keel_nn::{BatchInput, Cpu, Executor, MemoryRequest, Mode, Network, RandomKey, Shape, lower};
use keel_train::optimizers::{Optimizer, ParameterSegment};

use super::formula::{self, CLASSES};
use super::networks::{Description, LEARNING_RATE};
use crate::failure::Failure;

/// A network with its batch, ready for training steps.
pub(crate) struct Workload {
    network: Network,
    executor: Executor,
    gradients: Buffer,
    optimizer: Optimizer,
    loss: Loss,
    inputs: Vec<f32>,
    labels: Vec<u32>,
}

impl Workload {
    /// Creates the workload with the weights and the batch of `seed`, planned for the threads of the current pool.
    ///
    /// # Errors
    /// If layers do not fit.
    pub(crate) fn new(description: &Description, seed: u64) -> Result<Self, Failure> {
        let (network, executor) = prepared(description, seed, Mode::Train)?;
        let segments: Vec<_> = network.graph.parameters().iter().map(ParameterSegment::new).collect();
        let classes = TargetKind::Classes(CLASSES);
        Ok(Workload {
            gradients: Buffer::zeroed(network.parameters.len()),
            optimizer: Optimizer::new(&description.optimizer, &segments, network.parameters.len()),
            loss: description.loss().build(Shape::Features(CLASSES), classes).map_err(failed)?,
            inputs: formula::inputs(seed, description.batch * description.input.len()),
            labels: formula::labels(seed, description.batch),
            executor,
            network,
        })
    }

    /// Runs one full training step: forward, loss, backward, update; returns the loss before it.
    pub(crate) fn step(&mut self) -> f64 {
        let batch = BatchInput { input: &self.inputs, random: RandomKey::new(0) };
        self.executor.forward(&mut self.network, batch, &mut ());
        let (outputs, gradient) = self.executor.outputs_and_gradient();
        let loss = self.loss.forward_backward(outputs, Targets::Classes(&self.labels), gradient).mean();
        self.executor.backward(&self.network, batch, &mut self.gradients, &mut ());
        self.optimizer.step(&mut self.network.parameters, &self.gradients, LEARNING_RATE);
        loss
    }

    /// Returns the losses of three steps, which the peer computes too.
    pub(crate) fn first_losses(&mut self) -> Vec<f64> {
        (0..3).map(|_| self.step()).collect()
    }

    /// Returns the milliseconds of each of `count` steps, after one that is not counted: the caches may hold another side's
    /// data.
    pub(crate) fn timed_steps(&mut self, count: usize) -> Vec<f64> {
        self.step();
        (0..count).map(|_| milliseconds(|| self.step())).collect()
    }

    /// Returns the multiply-adds of a step: the backward pass counts as two forward passes.
    pub(crate) fn multiply_adds(&self) -> f64 {
        3.0 * self.network.graph.multiply_adds() as f64 * self.labels.len() as f64
    }

    /// Returns the planned bytes: arena, parameters, gradients, optimizer slots and batch.
    pub(crate) fn planned_bytes(&self) -> usize {
        let slots: usize = self.optimizer.slots().map(|(_, values)| values.len()).sum();
        let floats =
            self.executor.plan().arena_length() + 2 * self.network.parameters.len() + slots + self.inputs.len();
        floats * size_of::<f32>()
    }
}

/// A network with its batch, ready for forward passes in evaluation mode.
pub(crate) struct Evaluation {
    network: Network,
    executor: Executor,
    inputs: Vec<f32>,
}

impl Evaluation {
    /// Creates the evaluation; see [`Workload::new`].
    ///
    /// # Errors
    /// See [`Workload::new`].
    pub(crate) fn new(description: &Description, seed: u64) -> Result<Self, Failure> {
        let (network, executor) = prepared(description, seed, Mode::Evaluate)?;
        let inputs = formula::inputs(seed, description.batch * description.input.len());
        Ok(Evaluation { network, executor, inputs })
    }

    /// Runs a pass and returns the sum of the magnitudes of the outputs.
    pub(crate) fn run(&mut self) -> f64 {
        let batch = BatchInput { input: &self.inputs, random: RandomKey::new(0) };
        let outputs = self.executor.forward(&mut self.network, batch, &mut ());
        outputs.iter().map(|output| f64::from(output.abs())).sum()
    }

    /// Returns the milliseconds of each of `count` passes, after one that is not counted.
    pub(crate) fn timed(&mut self, count: usize) -> Vec<f64> {
        self.run();
        (0..count).map(|_| milliseconds(|| self.run())).collect()
    }

    /// Returns the multiply-adds of a pass.
    pub(crate) fn multiply_adds(&self) -> f64 {
        let samples = self.inputs.len() / self.network.graph.input_shape().len();
        self.network.graph.multiply_adds() as f64 * samples as f64
    }
}

fn prepared(description: &Description, seed: u64, mode: Mode) -> Result<(Network, Executor), Failure> {
    let graph = Graph::build(description.input, &description.layers, CLASSES).map_err(failed)?;
    let values = formula::parameters(&graph, seed);
    let mut network = Network::new(graph, RandomKey::new(seed));
    network.parameters.copy_from_slice(&values);
    let request = MemoryRequest { batch: description.batch, mode, workers: workers() };
    let executor = Executor::new(lower(&network.graph, &Cpu::fused()), request);
    Ok((network, executor))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Returns the milliseconds of one call.
pub(crate) fn milliseconds<T>(call: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(call());
    start.elapsed().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::networks::Spec;
    use super::*;

    #[test]
    fn first_losses_are_those_the_peer_computes() {
        // From `bench/peers/pytorch_peer.py`: {"prepare": "cnn"} and {"loss_check": {"seed": 1}}.
        let expected = [2.327_639, 2.271_953, 2.232_480];
        let mut workload = Workload::new(&Spec::new("cnn").description(), 1).unwrap();
        for (step, expected) in expected.into_iter().enumerate() {
            let loss = workload.step();
            assert!((loss - expected).abs() < 2e-4, "step {step}: {loss} for {expected}");
        }
    }
}
