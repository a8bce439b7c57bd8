//! Derivation by hand in f64: one field per line.

use super::engine::Engine;
use super::{Batch, CHANNELS, ChannelFigures, SCALE, SHIFT, Sample};

/// Values of all lines; `[batch, channels]` or `[channels]`.
pub(super) struct Hand {
    samples: usize,
    epsilon: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
    centred: Vec<f64>,
    normalised: Vec<f64>,
    upstream: Vec<f64>,
    /// γ x̂ + β
    pub(super) y: Vec<f64>,
    /// dβ
    pub(super) d_shift: Vec<f64>,
    /// dγ
    pub(super) d_scale: Vec<f64>,
    /// Part of dx that reaches x with mean and variance held fixed.
    pub(super) direct: Vec<f64>,
    /// dσ²
    pub(super) d_variance: Vec<f64>,
    /// dμ, with the variance held fixed.
    pub(super) d_mean: Vec<f64>,
}

impl Hand {
    /// Computes every line for one batch.
    pub(super) fn new(batch: &Batch) -> Self {
        let (samples, epsilon) = (batch.samples(), f64::from(batch.epsilon));
        let x: Vec<f64> = batch.x.iter().map(|&value| f64::from(value)).collect();
        let upstream: Vec<f64> = batch.upstream.iter().map(|&value| f64::from(value)).collect();
        let n = samples as f64;
        let mean = by_channel(|channel| sum(&x, channel) / n);
        let centred: Vec<f64> = x.iter().enumerate().map(|(index, value)| value - mean[index % CHANNELS]).collect();
        let squares: Vec<f64> = centred.iter().map(|value| value * value).collect();
        let variance = by_channel(|channel| sum(&squares, channel) / n);
        let deviation = by_channel(|channel| (variance[channel] + epsilon).sqrt());
        let each = |value: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..x.len()).map(|index| value(index, index % CHANNELS)).collect()
        };
        let normalised = each(&|index, channel| centred[index] / deviation[channel]);
        let y = each(&|index, channel| gamma(channel) * normalised[index] + f64::from(SHIFT[channel]));
        let along = each(&|index, _| upstream[index] * normalised[index]);
        let d_normalised = each(&|index, channel| gamma(channel) * upstream[index]);
        let along_centred = each(&|index, _| d_normalised[index] * centred[index]);
        let direct = each(&|index, channel| d_normalised[index] / deviation[channel]);
        let d_variance = by_channel(|channel| -0.5 * sum(&along_centred, channel) / deviation[channel].powi(3));
        let d_mean = by_channel(|channel| -sum(&d_normalised, channel) / deviation[channel]);
        let (d_shift, d_scale) =
            (by_channel(|channel| sum(&upstream, channel)), by_channel(|channel| sum(&along, channel)));
        Hand {
            samples,
            epsilon,
            mean,
            variance,
            centred,
            normalised,
            upstream,
            y,
            d_shift,
            d_scale,
            direct,
            d_variance,
            d_mean,
        }
    }

    /// Returns dx as the sum of the direct path, the path through the variance and the path through the mean.
    pub(super) fn three_paths(&self) -> Vec<f64> {
        (0..self.direct.len()).map(|index| self.direct[index] + self.by_variance(index) + self.by_mean(index)).collect()
    }

    /// Returns dx by the one-line formula.
    pub(super) fn collected(&self) -> Vec<f64> {
        let n = self.samples as f64;
        let one = |index: usize| {
            let channel = index % CHANNELS;
            let left =
                n * self.upstream[index] - self.d_shift[channel] - self.normalised[index] * self.d_scale[channel];
            gamma(channel) / (n * self.deviation(channel)) * left
        };
        (0..self.direct.len()).map(one).collect()
    }

    /// Returns the numbers of one channel, with sums of the engine's dx.
    pub(super) fn channel(&self, channel: usize, engine: &Engine) -> ChannelFigures {
        let magnitudes: Vec<f64> = engine.dx.iter().map(|value| value.abs()).collect();
        let along: Vec<f64> = engine.dx.iter().zip(&self.normalised).map(|(dx, normalised)| dx * normalised).collect();
        ChannelFigures {
            mean: self.mean[channel],
            variance: self.variance[channel],
            gamma: gamma(channel),
            beta: f64::from(SHIFT[channel]),
            d_gamma: self.d_scale[channel],
            d_beta: self.d_shift[channel],
            d_mean: self.d_mean[channel],
            d_variance: self.d_variance[channel],
            sum_dx: sum(&engine.dx, channel),
            sum_dx_normalised: sum(&along, channel),
            sum_magnitudes: sum(&magnitudes, channel),
        }
    }

    /// Returns the samples of the first channel, smallest input first.
    pub(super) fn samples(&self, engine: &Engine) -> Vec<Sample> {
        let one = |sample: usize| {
            let index = sample * CHANNELS;
            Sample {
                normalised: self.normalised[index],
                upstream: self.upstream[index],
                dx: engine.dx[index],
                direct: self.direct[index],
                by_variance: self.by_variance(index),
                by_mean: self.by_mean(index),
                left: engine.dx[index] * self.deviation(0) / gamma(0),
            }
        };
        let mut samples: Vec<Sample> = (0..self.samples).map(one).collect();
        samples.sort_by(|a, b| a.normalised.total_cmp(&b.normalised));
        samples
    }

    fn by_variance(&self, index: usize) -> f64 {
        self.d_variance[index % CHANNELS] * 2.0 * self.centred[index] / self.samples as f64
    }

    fn by_mean(&self, index: usize) -> f64 {
        self.d_mean[index % CHANNELS] / self.samples as f64
    }

    fn deviation(&self, channel: usize) -> f64 {
        (self.variance[channel] + self.epsilon).sqrt()
    }
}

fn gamma(channel: usize) -> f64 {
    f64::from(SCALE[channel])
}

fn by_channel(value: impl Fn(usize) -> f64) -> Vec<f64> {
    (0..CHANNELS).map(value).collect()
}

/// Sums the values of one channel.
fn sum(values: &[f64], channel: usize) -> f64 {
    values.iter().skip(channel).step_by(CHANNELS).sum()
}
