//! Layer norm, group norm and instance norm: each sample is normalised separately, in the same way in training and evaluation.
//!
//! ```text
//! h = (x - mean) / sqrt(variance + epsilon)
//! y = scale[c] * h + shift[c]
//! ```
//!
//! Mean and biased variance are those of one sample's values in one group of neighbouring channels, at all positions.
//! Layer norm has one group (Ba, Kiros & Hinton 2016), instance norm a group for each channel (Ulyanov, Vedaldi &
//! Lempitsky 2016), group norm any number between (Wu & He 2018). Backward, with `g = grad_y * scale[c]`:
//!
//! ```text
//! grad_scale[c] = sum of grad_y * h      over the samples and positions of channel c
//! grad_shift[c] = sum of grad_y          likewise
//! grad_x        = (g - mean of g - h * mean of (g * h)) / sqrt(variance + epsilon)      means over the group
//! ```

use super::moments::Moments;
use super::{Call, Definition, Gradients};
use crate::Layer;
use crate::layers::SampleNorm;

impl SampleNorm {
    /// Returns the indices of the values that are normalised together, for every sample and group.
    fn groups_of_values(&self, batch: usize) -> Vec<Vec<usize>> {
        let (channels, positions) = (self.output_shape().channels(), self.output_shape().positions());
        let group_channels = channels / self.groups();
        let mut all = Vec::new();
        for n in 0..batch {
            for group in 0..self.groups() {
                let mut values = Vec::new();
                for position in 0..positions {
                    for c in group * group_channels..(group + 1) * group_channels {
                        values.push((n * positions + position) * channels + c);
                    }
                }
                all.push(values);
            }
        }
        all
    }
}

impl Definition for SampleNorm {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (x, channels, epsilon) = (call.inputs[0], self.output_shape().channels(), f64::from(self.epsilon()));
        let (scale, shift) = call.parameters.split_at(channels);
        let mut y = vec![0.0; x.len()];
        for values in self.groups_of_values(call.batch) {
            let moments = Moments::of(x, &values);
            for &k in &values {
                let h = (x[k] - moments.mean) / (moments.variance + epsilon).sqrt();
                y[k] = scale[k % channels] * h + shift[k % channels];
            }
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (x, channels, epsilon) = (call.inputs[0], self.output_shape().channels(), f64::from(self.epsilon()));
        let (scale, _) = call.parameters.split_at(channels);
        let mut grad_x = vec![0.0; x.len()];
        let (mut grad_scale, mut grad_shift) = (vec![0.0; channels], vec![0.0; channels]);
        for values in self.groups_of_values(call.batch) {
            let (moments, count) = (Moments::of(x, &values), values.len() as f64);
            let deviation = (moments.variance + epsilon).sqrt();
            let h = |k: usize| (x[k] - moments.mean) / deviation;
            let g = |k: usize| grad_y[k] * scale[k % channels];
            let (mut mean_g, mut mean_gh) = (0.0, 0.0);
            for &k in &values {
                grad_scale[k % channels] += grad_y[k] * h(k);
                grad_shift[k % channels] += grad_y[k];
                mean_g += g(k) / count;
                mean_gh += g(k) * h(k) / count;
            }
            for &k in &values {
                grad_x[k] = (g(k) - mean_g - h(k) * mean_gh) / deviation;
            }
        }
        Gradients { inputs: vec![grad_x], parameters: [grad_scale, grad_shift].concat() }
    }
}
