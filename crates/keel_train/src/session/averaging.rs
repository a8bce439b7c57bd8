//! Averaged weights: a second copy that follows the trained weights, used for evaluation and for the finished model.

use keel_kernels::Buffer;
use keel_nn::Network;

use crate::config::AveragingConfig;

/// A second copy of parameters and running statistics that follows the trained ones: an exponential moving average (Polyak &
/// Juditsky 1992, in the form of Tarvainen & Valpola 2017), or the slow weights of lookahead (Zhang et al. 2019).
#[derive(Debug)]
pub(crate) struct WeightAverage {
    rule: Rule,
    parameters: Buffer,
    state: Buffer,
}

/// Rule by which the copy follows the weights.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Average { decay: f64 },
    Lookahead { every: u64, decay: f64, power: f64 },
}

/// Position of an update in a training run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdatePlace {
    /// Number of the update, from 1.
    pub(crate) step: u64,
    /// Number of updates of the whole run.
    pub(crate) total_steps: u64,
}

impl WeightAverage {
    /// Creates a copy of the network's current weights; `None` if `config` asks for none.
    pub(crate) fn new(config: &AveragingConfig, network: &Network) -> Option<Self> {
        let rule = match *config {
            AveragingConfig::Off {} => return None,
            AveragingConfig::Ema { decay } => Rule::Average { decay },
            AveragingConfig::Lookahead { every, decay, power } => Rule::Lookahead { every, decay, power },
        };
        let (parameters, state) = (network.parameters.clone(), network.state.clone());
        Some(WeightAverage { rule, parameters, state })
    }

    /// Moves the average towards the weights after an update: `average += (1 - d) (weights - average)`.
    ///
    /// A moving average uses `d = min(decay, (1 + step) / (10 + step))`, so that the initial weights are soon forgotten.
    /// Lookahead uses `d = decay (step / total_steps)^power` once every `every` steps and then replaces the weights by the
    /// average.
    pub(crate) fn follow(&mut self, network: &mut Network, place: UpdatePlace) {
        let step = place.step as f64;
        match self.rule {
            Rule::Average { decay } => self.approach(network, decay.min((1.0 + step) / (10.0 + step))),
            Rule::Lookahead { every, .. } if !place.step.is_multiple_of(every.max(1)) => {}
            Rule::Lookahead { decay, power, .. } => {
                let progress = (step / place.total_steps.max(1) as f64).min(1.0);
                self.approach(network, decay * progress.powf(power));
                network.parameters.copy_from_slice(&self.parameters);
                network.state.copy_from_slice(&self.state);
            }
        }
    }

    fn approach(&mut self, network: &Network, decay: f64) {
        let share = (1.0 - decay) as f32;
        for (average, weights) in [(&mut self.parameters, &network.parameters), (&mut self.state, &network.state)] {
            average
                .iter_mut()
                .zip(weights.iter())
                .for_each(|(average, weight)| *average += share * (weight - *average));
        }
    }

    /// Swaps the average and the network's weights; a second call undoes the first.
    pub(crate) fn swap(&mut self, network: &mut Network) {
        std::mem::swap(&mut self.parameters, &mut network.parameters);
        std::mem::swap(&mut self.state, &mut network.state);
    }

    /// Names and values of the parts, for a checkpoint.
    pub(crate) fn parts(&self) -> [(&'static str, &[f32]); 2] {
        [("average.parameters", &self.parameters), ("average.state", &self.state)]
    }

    /// Restores the parts returned by [`WeightAverage::parts`].
    ///
    /// # Panics
    /// If the length of a part differs.
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

    fn at(step: u64) -> UpdatePlace {
        UpdatePlace { step, total_steps: 8 }
    }

    fn network() -> Network {
        let graph = Graph::build(Shape::Features(2), &[LayerSpec::Linear(LinearSpec::new(1))], 1).unwrap();
        let mut network = Network::new(graph, RandomKey::new(0));
        network.parameters.fill(0.0);
        network
    }

    #[test]
    fn lookahead_waits_for_its_step_and_hands_the_average_on() {
        let mut network = network();
        let config = AveragingConfig::Lookahead { every: 2, decay: 0.5, power: 1.0 };
        let mut average = WeightAverage::new(&config, &network).unwrap();
        // Shares of the old average: 0.5 * 2 / 8, 0.5 * 4 / 8, and 0.5 at the last step and after it.
        for (step, expected) in [(2, 7.0), (4, 7.75), (8, 7.875), (10, 7.9375)] {
            network.parameters.fill(4.0);
            average.follow(&mut network, at(step - 1));
            assert_eq!(network.parameters[..], [4.0; 3], "step {} changes nothing", step - 1);
            network.parameters.fill(8.0);
            average.follow(&mut network, at(step));
            assert_eq!(network.parameters[..], [expected; 3], "step {step}");
            assert_eq!(average.parts()[0].1, [expected; 3], "step {step}");
        }
    }

    #[test]
    fn the_average_follows_by_its_decay_and_swaps_back_and_forth() {
        let mut network = network();
        assert!(WeightAverage::new(&AveragingConfig::Off {}, &network).is_none());
        let mut average = WeightAverage::new(&AveragingConfig::Ema { decay: 0.5 }, &network).unwrap();
        network.parameters.fill(8.0);
        average.follow(&mut network, at(1)); // d = min(0.5, 2 / 11)
        assert_eq!(average.parts()[0].1, [8.0 * 9.0 / 11.0; 3]);
        network.parameters.fill(0.0);
        average.follow(&mut network, at(100));
        average.swap(&mut network);
        assert!(network.parameters.iter().all(|value| (value - 36.0 / 11.0).abs() < 1e-6));
        average.swap(&mut network);
        assert_eq!(network.parameters[..], [0.0; 3]);
    }
}
