//! The same trained weights with statistics from different sources.

use keel_nn::RandomKey;
use keel_nn::layers::{BatchNormSpec, LayerSpec, RunningStatistics};

use super::Config;
use crate::error::LabError;
use crate::samples::{Order, Part, Parts};
use crate::training::{Classifier, Schedule};

/// Momentum with which the running statistic is the last batch alone, or a plain average of batches.
const LAST_BATCH_ALONE: f32 = 1.0;

/// The same trained weights with statistics from six sources.
pub(super) struct Networks {
    pub(super) moving_average: Classifier,
    pub(super) cumulative_average: Classifier,
    pub(super) last_batch: Classifier,
    pub(super) population_10_batches: Classifier,
    pub(super) population_all_batches: Classifier,
    pub(super) whole_training_set: Classifier,
}

impl Networks {
    /// Trains once, and gathers statistics in every way.
    ///
    /// # Errors
    /// Fails if the layers do not fit together.
    pub(super) fn train(config: &Config, digits: &Parts, seed: u64) -> Result<Self, LabError> {
        let mut trained = classifier(config.width, BatchNormSpec::default(), config.batch, seed)?;
        trained.train(&digits.train, schedule(config));
        // Training does not use the running statistics: the same seed gives the same weights.
        let mut averaged = classifier(config.width, cumulative(), config.batch, seed)?;
        averaged.train(&digits.train, schedule(config));
        let last = BatchNormSpec { momentum: LAST_BATCH_ALONE, ..BatchNormSpec::default() };
        let whole = digits.train.len();
        let gathered = |norm, batch, batches| {
            regathered(config, &trained, Gathering { norm, batch, batches }, &digits.train, seed)
        };
        Ok(Networks {
            cumulative_average: averaged,
            last_batch: gathered(last, config.batch, 1)?,
            population_10_batches: gathered(cumulative(), config.batch, 10)?,
            population_all_batches: gathered(cumulative(), config.batch, (whole / config.batch).max(1))?,
            whole_training_set: gathered(cumulative(), whole, 1)?,
            moving_average: trained,
        })
    }

    /// Returns the statistics that all others are compared with.
    pub(super) fn truth(&self) -> Vec<f32> {
        running(&self.whole_training_set)
    }
}

/// Builds three blocks of linear - batch norm - relu with `width` units, then ten scores.
pub(crate) fn classifier(width: usize, norm: BatchNormSpec, batch: usize, seed: u64) -> Result<Classifier, LabError> {
    let mut layers = keel_nn::model::mlp(width, 3);
    for layer in &mut layers {
        if let LayerSpec::BatchNorm(own) = layer {
            *own = norm.clone();
        }
    }
    Classifier::new(&layers, batch, RandomKey::new(seed))
}

/// A way to gather statistics after training.
pub(super) struct Gathering {
    /// Rule.
    pub(super) norm: BatchNormSpec,
    /// Samples of a batch.
    pub(super) batch: usize,
    /// Number of batches.
    pub(super) batches: usize,
}

/// Returns the trained weights with statistics gathered from `data`.
pub(super) fn regathered(
    config: &Config,
    trained: &Classifier,
    gathering: Gathering,
    data: &Part,
    seed: u64,
) -> Result<Classifier, LabError> {
    let Gathering { norm, batch, batches } = gathering;
    let mut other = classifier(config.width, norm, batch, seed)?;
    other.network.parameters.copy_from_slice(&trained.network.parameters);
    let mut order = Order::new(data.len(), RandomKey::new(seed).named("statistics"));
    for _ in 0..batches {
        other.gather_statistics(&data.take(&order.next(batch)).inputs);
    }
    Ok(other)
}

/// Returns the rule that averages all batches equally.
pub(super) fn cumulative() -> BatchNormSpec {
    BatchNormSpec { running: RunningStatistics::Cumulative, ..BatchNormSpec::default() }
}

fn schedule(config: &Config) -> Schedule {
    Schedule { learning_rate: config.learning_rate as f32, momentum: 0.9, batch: config.batch, steps: config.steps }
}

/// Returns all running means and variances.
pub(super) fn running(classifier: &Classifier) -> Vec<f32> {
    let graph = &classifier.network.graph;
    let entries = graph.state().iter().filter(|entry| entry.name.ends_with("mean") || entry.name.ends_with("variance"));
    entries.flat_map(|entry| classifier.network.state[entry.range.clone()].to_vec()).collect()
}
