//! Batch normalisation: each channel is normalised over the batch (Ioffe & Szegedy 2015).
//!
//! ```text
//! h = (x - mean) / sqrt(variance + epsilon)
//! y = scale[c] * h + shift[c]
//! ```
//!
//! For each channel `c`, training takes mean and biased variance of all `m` values of that channel in the batch (over
//! samples, rows and columns), and moves the running statistics towards them, the variance in its unbiased form:
//!
//! ```text
//! running_mean     = (1 - momentum) * running_mean     + momentum * mean
//! running_variance = (1 - momentum) * running_variance + momentum * variance * m / (m - 1)
//! ```
//!
//! Evaluation, and a frozen layer, take the running statistics instead. Backward, with `g = grad_y * scale[c]`:
//!
//! ```text
//! grad_scale[c] = sum of grad_y * h
//! grad_shift[c] = sum of grad_y
//! grad_x        = (g - mean of g - h * mean of (g * h)) / sqrt(variance + epsilon)      in training
//! grad_x        = g / sqrt(variance + epsilon)                                          in evaluation
//! ```
//!
//! The two means are the gradient that flows back through the batch's mean and variance: every value affects both.

use super::moments::Moments;
use super::{Call, Definition, Gradients};
use crate::layers::{BatchNorm, RunningStatistics};
use crate::{Layer, Mode};

impl BatchNorm {
    /// Returns the indices of all values of channel `c`.
    fn values_of(&self, batch: usize, c: usize) -> Vec<usize> {
        let channels = self.channels();
        let rows = batch * self.output_shape().positions();
        (0..rows).map(|row| row * channels + c).collect()
    }

    /// Returns the effective mode: a frozen layer works as in evaluation.
    fn mode(&self, call: &Call<'_>) -> Mode {
        if self.is_frozen() { Mode::Evaluate } else { call.mode }
    }

    /// Returns the mean and variance that channel `c` is normalised with.
    fn moments(&self, call: &Call<'_>, c: usize) -> Moments {
        match self.mode(call) {
            Mode::Train => Moments::of(call.inputs[0], &self.values_of(call.batch, c)),
            Mode::Evaluate => Moments { mean: call.state[c], variance: call.state[self.channels() + c] },
        }
    }

    /// Returns scale and shift of channel `c`.
    fn scale_and_shift_of(&self, call: &Call<'_>, c: usize) -> (f64, f64) {
        if self.spec().affine { (call.parameters[c], call.parameters[self.channels() + c]) } else { (1.0, 0.0) }
    }

    /// Updates the running statistics of channel `c` with those of a batch with `count` values per channel.
    fn move_running(&self, state: &mut [f64], c: usize, moments: Moments, count: usize) {
        let channels = self.channels();
        let updates = state[2 * channels];
        let momentum = match self.spec().running {
            RunningStatistics::Ema => f64::from(self.spec().momentum),
            RunningStatistics::Cumulative => 1.0 / updates,
        };
        let unbiased = if count > 1 { count as f64 / (count - 1) as f64 } else { 1.0 };
        state[c] = (1.0 - momentum) * state[c] + momentum * moments.mean;
        state[channels + c] = (1.0 - momentum) * state[channels + c] + momentum * moments.variance * unbiased;
    }
}

impl Definition for BatchNorm {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (x, channels, epsilon) = (call.inputs[0], self.channels(), f64::from(self.spec().epsilon));
        let mut y = vec![0.0; x.len()];
        if self.mode(call) == Mode::Train {
            call.state[2 * channels] += 1.0;
        }
        for c in 0..channels {
            let (moments, values) = (self.moments(call, c), self.values_of(call.batch, c));
            let (scale, shift) = self.scale_and_shift_of(call, c);
            for &k in &values {
                let h = (x[k] - moments.mean) / (moments.variance + epsilon).sqrt();
                y[k] = scale * h + shift;
            }
            if self.mode(call) == Mode::Train {
                self.move_running(call.state, c, moments, values.len());
            }
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (x, channels, epsilon) = (call.inputs[0], self.channels(), f64::from(self.spec().epsilon));
        let mut grad_x = vec![0.0; x.len()];
        let (mut grad_scale, mut grad_shift) = (vec![0.0; channels], vec![0.0; channels]);
        for c in 0..channels {
            let (moments, values) = (self.moments(call, c), self.values_of(call.batch, c));
            let deviation = (moments.variance + epsilon).sqrt();
            let h = |k: usize| (x[k] - moments.mean) / deviation;
            for &k in values.iter().filter(|_| !self.is_frozen()) {
                grad_scale[c] += grad_y[k] * h(k);
                grad_shift[c] += grad_y[k];
            }
            let (scale, count) = (self.scale_and_shift_of(call, c).0, values.len() as f64);
            let (mean_g, mean_gh) = match self.mode(call) {
                Mode::Train => (scale * grad_shift[c] / count, scale * grad_scale[c] / count),
                Mode::Evaluate => (0.0, 0.0),
            };
            for &k in &values {
                grad_x[k] = (grad_y[k] * scale - mean_g - h(k) * mean_gh) / deviation;
            }
        }
        let parameters = if self.spec().affine { [grad_scale, grad_shift].concat() } else { Vec::new() };
        Gradients { inputs: vec![grad_x], parameters }
    }
}
