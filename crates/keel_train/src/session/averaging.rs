//! Averaged weights: a second copy that follows the trained one, for evaluation and for the finished model.

use keel_kernels::Buffer;
use keel_nn::Network;

use crate::config::AveragingConfig;

/// An exponential moving average of parameters and running statistics (Polyak & Juditsky 1992, in the form of
/// Tarvainen & Valpola 2017).
#[derive(Debug)]
pub(crate) struct WeightAverage {
    decay: f64,
    parameters: Buffer,
    state: Buffer,
}

impl WeightAverage {
    /// An average that starts at the network's present weights; `None` if `config` asks for none.
    pub(crate) fn new(config: &AveragingConfig, network: &Network) -> Option<Self> {
        let AveragingConfig::Ema { decay } = *config else { return None };
        let (parameters, state) = (network.parameters.clone(), network.state.clone());
        Some(WeightAverage { decay, parameters, state })
    }

    /// Takes in the weights after update number `steps`, counted from 1: `average += (1 - d) (weights - average)` with
    /// `d = min(decay, (1 + steps) / (10 + steps))`, so that the start is soon forgotten.
    pub(crate) fn follow(&mut self, network: &Network, steps: u64) {
        let decay = self.decay.min((1.0 + steps as f64) / (10.0 + steps as f64));
        let share = (1.0 - decay) as f32;
        for (average, weights) in [(&mut self.parameters, &network.parameters), (&mut self.state, &network.state)] {
            average
                .iter_mut()
                .zip(weights.iter())
                .for_each(|(average, weight)| *average += share * (weight - *average));
        }
    }

    /// Exchanges the average with the network's weights; a second call undoes the first.
    pub(crate) fn swap(&mut self, network: &mut Network) {
        std::mem::swap(&mut self.parameters, &mut network.parameters);
        std::mem::swap(&mut self.state, &mut network.state);
    }

    /// Name and contents of each part, for a checkpoint.
    pub(crate) fn parts(&self) -> [(&'static str, &[f32]); 2] {
        [("average.parameters", &self.parameters), ("average.state", &self.state)]
    }

    /// Puts back what [`WeightAverage::parts`] gave.
    ///
    /// # Panics
    /// If a part has another length.
    pub(crate) fn restore(&mut self, [parameters, state]: [&[f32]; 2]) {
        self.parameters.copy_from_slice(parameters);
        self.state.copy_from_slice(state);
    }
}

#[cfg(test)]
mod tests {
    use keel_nn::layers::{LayerSpec, LinearSpec};
    use keel_nn::{Graph, RandomKey, Shape};

    use super::*;

    #[test]
    fn the_average_follows_by_its_decay_and_swaps_back_and_forth() {
        let graph = Graph::build(Shape::Features(2), &[LayerSpec::Linear(LinearSpec::new(1))], 1).unwrap();
        let mut network = Network::new(graph, RandomKey::new(0));
        network.parameters.fill(0.0);
        assert!(WeightAverage::new(&AveragingConfig::Off {}, &network).is_none());
        let mut average = WeightAverage::new(&AveragingConfig::Ema { decay: 0.5 }, &network).unwrap();
        network.parameters.fill(8.0);
        average.follow(&network, 1); // d = min(0.5, 2 / 11)
        assert_eq!(average.parts()[0].1, [8.0 * 9.0 / 11.0; 3]);
        network.parameters.fill(0.0);
        average.follow(&network, 100);
        average.swap(&mut network);
        assert!(network.parameters.iter().all(|value| (value - 36.0 / 11.0).abs() < 1e-6));
        average.swap(&mut network);
        assert_eq!(network.parameters[..], [0.0; 3]);
    }
}
