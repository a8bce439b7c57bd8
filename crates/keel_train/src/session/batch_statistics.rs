//! Exact batch-norm statistics for evaluation.

use keel_data::{Batches, Position};
use keel_nn::layers::PopulationStatistics;
use keel_nn::{Cpu, Executor, MemoryRequest, Mode, Network, Op, lower};

use super::Session;
use crate::error::TrainError;

impl Session {
    /// Replaces the running statistics of every batch norm by averages over the first `batches` training batches, all computed
    /// with the current weights (Ioffe & Szegedy 2015, algorithm 2): the mean of the batch means, and `m / (m - 1)` times the
    /// mean of the biased batch variances. Running statistics lag behind the weights and give recent batches more weight; these
    /// do not. A network without batch norm is left unchanged.
    ///
    /// # Errors
    /// If a sample cannot be read.
    pub fn recompute_batch_norm(&mut self, batches: usize) -> Result<(), TrainError> {
        let (mut network, mut executor) = self.unfused();
        let mut statistics = Vec::new();
        for node in network.graph.nodes() {
            if let Op::BatchNorm(norm) = &node.op
                && !norm.is_frozen()
            {
                statistics.push((node.state.clone(), PopulationStatistics::new(norm)));
            }
        }
        if statistics.is_empty() {
            return Ok(());
        }
        let mut source = Batches::new(self.training_batches().clone(), Position::default());
        let mut epoch = 0;
        for number in 0..batches {
            let batch = match source.next() {
                Some(batch) => batch?,
                None => {
                    epoch += 1;
                    source = Batches::new(self.training_batches().clone(), Position { epoch, step: 0 });
                    let Some(batch) = source.next() else { break };
                    batch?
                }
            };
            for (state, population) in &statistics {
                population.prepare(&mut network.state[state.clone()]);
            }
            let input = keel_nn::BatchInput { input: &batch.inputs, random: self.step_key(number as u64) };
            executor.forward(&mut network, input, &mut ());
            for (state, population) in &mut statistics {
                population.collect(&network.state[state.clone()]);
            }
        }
        for (state, population) in &statistics {
            population.finish(&mut self.network_mut().state[state.clone()]);
        }
        Ok(())
    }

    /// Averages the running statistics of unsynchronised batch norms over all ranks; all other state is already the same on
    /// every rank.
    ///
    /// # Errors
    /// If a rank is lost.
    pub(crate) fn level_state(&mut self) -> Result<(), TrainError> {
        let ranks = self.ranks().clone();
        if ranks.share().size == 1 {
            return Ok(());
        }
        let own = |node: &keel_nn::graph::Node| match &node.op {
            Op::BatchNorm(norm) if !norm.spec().synchronised && !norm.is_frozen() => Some(node.state.clone()),
            _ => None,
        };
        let places: Vec<_> = self.network().graph.nodes().iter().filter_map(own).collect();
        for place in places {
            ranks.average(&mut self.network_mut().state[place])?;
        }
        Ok(())
    }

    /// Returns a copy of the network and an executor for it in training mode without fused nodes, to observe the values between
    /// nodes.
    pub(crate) fn unfused(&self) -> (Network, Executor) {
        let network = self.network().clone();
        let batch = self.training_batches().largest_batch();
        let request = MemoryRequest { batch, mode: Mode::Train, workers: rayon::current_num_threads() };
        let executor = Executor::new(lower(&network.graph, &Cpu::unfused()), request);
        (network, executor)
    }
}
