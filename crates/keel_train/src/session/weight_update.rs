//! Updates the weights from the gradient.

use keel_nn::Network;

use super::averaging::{UpdatePlace, WeightAverage};
use crate::optimizers::{Optimizer, SegmentNorms};

/// The optimizer, and the average that follows the weights if the config asks for one.
#[derive(Debug)]
pub(super) struct WeightUpdate {
    pub(super) optimizer: Optimizer,
    pub(super) average: Option<WeightAverage>,
    /// Number of updates of the whole run, as far as known.
    pub(super) total_steps: u64,
}

impl WeightUpdate {
    /// Sets the epoch of the following updates, counted from 0.
    pub(super) fn begin_epoch(&mut self, epoch: u64) {
        self.optimizer.begin_epoch(epoch);
    }

    /// Norm of `gradients` before clipping.
    pub(super) fn gradient_norm(&mut self, gradients: &[f32]) -> f64 {
        self.optimizer.gradient_norm(gradients)
    }

    /// Updates the weights and their average; returns the norm of the gradient before clipping.
    pub(super) fn apply(&mut self, network: &mut Network, gradients: &[f32], learning_rate: f64) -> f64 {
        let norm = self.optimizer.step(&mut network.parameters, gradients, learning_rate).gradient;
        if let Some(average) = &mut self.average {
            average.follow(network, UpdatePlace { step: self.optimizer.steps(), total_steps: self.total_steps });
        }
        norm
    }

    /// Norms of the last update, one per parameter.
    pub(super) fn norms(&self) -> &[SegmentNorms] {
        self.optimizer.norms()
    }

    /// Swaps the trained weights and their average, if there is one; a second call undoes the first.
    pub(super) fn swap_average(&mut self, network: &mut Network) {
        if let Some(average) = &mut self.average {
            average.swap(network);
        }
    }
}
