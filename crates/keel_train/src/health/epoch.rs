//! End of an epoch: losses in both modes on the same samples, and the statistics that batch norm would use in inference.

use std::ops::Range;
use std::sync::Arc;

use keel_data::{BatchOptions, BatchSource, Batches, LastBatch, Position};
use keel_health::measurement::{EpochMeasurement, LayerKind, ModelDescription, NormStatistics};
use keel_nn::Op;
use keel_nn::graph::Node;
use keel_nn::layers::{RunningPlaces, RunningStatistics};

use crate::error::TrainError;
use crate::metrics::Detail;
use crate::session::Session;

/// Divisor of the training split for the measured part, within [`LEAST`] and [`MOST`] samples.
const SHARE: usize = 50;
const LEAST: usize = 256;
const MOST: usize = 1024;

/// Multiply-adds of a forward pass over [`LEAST`] samples above which a short epoch is measured on fewer samples: a tenth of a second
/// of two cores.
const LONG_PASS: u64 = 10_000_000_000;
/// Divisor of the training split for the samples of a short epoch whose passes are long, and their minimum number in batches.
const LONG_PASS_SHARE: usize = 8;
const LONG_PASS_BATCHES: usize = 2;

/// Results that the training loop has for the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EpochLosses {
    /// Epoch, counted from 0.
    pub epoch: u64,
    /// Last step of the epoch, counted from 1.
    pub step: u64,
    /// Loss on the validation split, if there is one.
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation split, if there is one.
    pub validation_accuracy: Option<f64>,
}

/// Measures the end of an epoch on a fixed part of the training split: two forward passes. The part is a fiftieth of the split within
/// 256 and 1,024 samples; where passes over 256 samples are long, it may be as small as an eighth of the split or two batches. The
/// session is unchanged afterwards.
///
/// # Errors
/// If a sample cannot be preprocessed.
pub fn measure_epoch(
    session: &mut Session,
    model: &ModelDescription,
    losses: EpochLosses,
) -> Result<EpochMeasurement, TrainError> {
    let samples = measured_samples(session, model);
    let metrics = session.evaluate_watched(&samples, Detail::Brief, |_| {})?;
    let train_loss = metrics.as_ref().map(|metrics| metrics.loss as f32).filter(|loss| loss.is_finite());
    let mut epoch = EpochMeasurement {
        epoch: losses.epoch,
        step: losses.step,
        train_loss,
        validation_loss: losses.validation_loss.map(|loss| loss as f32).filter(|loss| loss.is_finite()),
        train_accuracy: metrics.as_ref().and_then(|metrics| metrics.accuracy).map(|accuracy| accuracy as f32),
        validation_accuracy: losses.validation_accuracy.map(|accuracy| accuracy as f32),
        ranks: session.ranks().measure([&session.network().parameters, &session.network().state])?,
        ..EpochMeasurement::default()
    };
    let mut norms = norm_layers(session);
    if norms.is_empty() {
        return Ok(epoch);
    }
    let state = session.network().state.to_vec();
    let passes = training_passes(session, &samples, batch_size(model, samples.len()), &mut norms);
    session.network_mut().state.copy_from_slice(&state);
    let train_mode_loss = passes?;
    let random = model.layers.iter().any(|layer| layer.kind == LayerKind::Dropout);
    if !random && session.average().is_none() {
        (epoch.train_mode_loss, epoch.eval_mode_loss) = (Some(train_mode_loss as f32), train_loss);
    }
    epoch.norms = norms.into_iter().map(|norm| norm.statistics(&state)).collect();
    Ok(epoch)
}

/// Returns samples evenly spread over the training split, whole batches of the training batch size if there are enough.
fn measured_samples(session: &Session, model: &ModelDescription) -> Vec<usize> {
    let train = &session.data().train;
    let batch = batch_size(model, train.len());
    let least = least_samples(session.network().graph.multiply_adds(), train.len(), batch);
    let wanted = (train.len() / SHARE).clamp(least, MOST).min(train.len());
    let count = (wanted / batch).max(1) * batch;
    (0..count).map(|index| train[index * train.len() / count]).collect()
}

/// Returns the minimum number of measured samples of a training split of `samples`: a network that computes for long would otherwise
/// spend a good part of a short epoch on its measurement.
fn least_samples(multiply_adds: u64, samples: usize, batch: usize) -> usize {
    let is_long = multiply_adds.saturating_mul(LEAST as u64) > LONG_PASS;
    if is_long { (samples / LONG_PASS_SHARE).max(LONG_PASS_BATCHES * batch).min(LEAST) } else { LEAST }
}

fn batch_size(model: &ModelDescription, samples: usize) -> usize {
    model.batch_size.map_or(1, |size| size as usize).clamp(1, samples)
}

/// A batch normalisation layer with the sums of its batches' statistics.
struct NormLayer {
    layer: usize,
    momentum: Option<f32>,
    mean: Range<usize>,
    variance: Range<usize>,
    updates: usize,
    batches: f64,
    mean_sums: Vec<f64>,
    mean_squares: Vec<f64>,
    variance_sums: Vec<f64>,
}

fn norm_layers(session: &Session) -> Vec<NormLayer> {
    let graph = &session.network().graph;
    let layer = |node: &Node| {
        let Op::BatchNorm(norm) = &node.op else { return None };
        let RunningPlaces { mean, variance, updates } = norm.running_places(node.state.start);
        let zeros = vec![0.0; mean.len()];
        Some(NormLayer {
            layer: node.id.index(),
            momentum: (norm.spec().running == RunningStatistics::Ema).then_some(norm.spec().momentum),
            mean,
            variance,
            updates,
            batches: 0.0,
            mean_sums: zeros.clone(),
            mean_squares: zeros.clone(),
            variance_sums: zeros,
        })
    };
    graph.nodes().iter().filter_map(layer).collect()
}

/// Runs forward passes in training mode, each from empty running statistics, which then contain only their own batch's statistics
/// times the momentum. Returns the mean loss.
fn training_passes(
    session: &mut Session,
    samples: &[usize],
    batch_size: usize,
    norms: &mut [NormLayer],
) -> Result<f64, TrainError> {
    let data = session.data();
    let options = BatchOptions { last: LastBatch::Drop, ..BatchOptions::in_order(batch_size.min(samples.len())) };
    let source = BatchSource::new(Arc::clone(&data.dataset), samples, Arc::clone(session.preprocessor()), options)?;
    let steps = source.steps_per_epoch();
    let mut batches = Batches::new(source, Position::default());
    let mut loss = 0.0;
    for index in 0..steps {
        let Some(batch) = batches.next() else { break };
        session.network_mut().state.fill(0.0);
        loss += session.training_loss(batch?, u64::MAX - index as u64);
        let state = &session.network().state;
        norms.iter_mut().for_each(|norm| norm.collect(state));
    }
    Ok(loss / steps.max(1) as f64)
}

impl NormLayer {
    fn collect(&mut self, state: &[f32]) {
        let weight = f64::from(self.momentum.unwrap_or(1.0));
        self.batches += 1.0;
        let pairs = state[self.mean.clone()].iter().zip(&state[self.variance.clone()]);
        for (channel, (&mean, &variance)) in pairs.enumerate() {
            let (mean, variance) = (f64::from(mean) / weight, f64::from(variance) / weight);
            self.mean_sums[channel] += mean;
            self.mean_squares[channel] += mean * mean;
            self.variance_sums[channel] += variance;
        }
    }

    /// Returns the running statistics from `state`, and the exact ones from the batches: the variance is the mean within batches
    /// plus the variance between them.
    fn statistics(self, state: &[f32]) -> NormStatistics {
        let batches = self.batches.max(1.0);
        let mean = |channel: usize| self.mean_sums[channel] / batches;
        let between = |channel: usize| (self.mean_squares[channel] / batches - mean(channel).powi(2)).max(0.0);
        let channels = 0..self.mean.len();
        NormStatistics {
            layer: self.layer,
            running_mean: state[self.mean.clone()].to_vec(),
            running_variance: state[self.variance.clone()].to_vec(),
            exact_mean: channels.clone().map(|channel| mean(channel) as f32).collect(),
            exact_variance: channels
                .map(|channel| (self.variance_sums[channel] / batches + between(channel)) as f32)
                .collect(),
            momentum: self.momentum,
            updates: state[self.updates] as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_epoch_of_a_large_network_is_measured_on_fewer_samples() {
        let (small, large) = (LONG_PASS / LEAST as u64, LONG_PASS / LEAST as u64 + 1);
        assert_eq!(least_samples(small, 320, 16), LEAST);
        assert_eq!(least_samples(large, 320, 16), 40);
        assert_eq!(least_samples(large, 100, 16), 32);
        assert_eq!(least_samples(large, 100_000, 16), LEAST);
        assert_eq!(least_samples(large, 320, 1000), LEAST);
        assert_eq!(least_samples(u64::MAX, 8, 1), 2);
    }
}
