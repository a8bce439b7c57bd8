//! Exact statistics of batch norm for evaluation.

use keel_data::{Batches, Position};
use keel_nn::{Executor, MemoryRequest, Mode, Network, Plan};

use super::Session;
use crate::Config;
use crate::error::TrainError;

impl Session {
    /// Replaces the running statistics of every batch norm by averages over the first `batches` training batches, all
    /// with the weights as they are (Ioffe & Szegedy 2015, algorithm 2): the mean of the batches' means, and `m / (m - 1)`
    /// times the mean of their biased variances. Running statistics lag behind the weights and remember every batch
    /// unevenly; these do not. A network without batch norm stays as it is.
    ///
    /// # Errors
    /// A sample that cannot be read.
    pub fn recompute_batch_norm(&mut self, config: &Config, batches: usize) -> Result<(), TrainError> {
        let (mut network, mut executor) = self.plain_network(config)?;
        let mut statistics = Vec::new();
        for node in network.graph.nodes() {
            if let Some(population) = node.layer.population_statistics() {
                statistics.push((node.state.clone(), population));
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
            let input = keel_nn::Batch { input: &batch.inputs, random: self.step_key(number as u64) };
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

    /// A copy of the network in which every layer stands by itself, and what runs it in training mode.
    pub(super) fn plain_network(&self, config: &Config) -> Result<(Network, Executor), TrainError> {
        let (graph, own) = (self.unfused_graph(config)?, self.network());
        let network = Network { graph, parameters: own.parameters.clone(), state: own.state.clone() };
        let batch = self.training_batches().largest_batch();
        let request = MemoryRequest { batch, mode: Mode::Train, workers: rayon::current_num_threads() };
        let executor = Executor::new(Plan::new(&network.graph, request));
        Ok((network, executor))
    }
}
