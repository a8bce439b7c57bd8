//! Global average pooling: `y[n, c]` is the average of `x[n, position, c]` over all positions, so that
//! `grad_x[n, position, c] = grad_y[n, c] / positions`.

use super::{Call, Definition, Gradients};
use crate::layers::GlobalAvgPool;

impl Definition for GlobalAvgPool {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (positions, channels) = (self.input_shape().positions(), self.input_shape().channels());
        let mut y = vec![0.0; call.batch * channels];
        for n in 0..call.batch {
            for position in 0..positions {
                for c in 0..channels {
                    y[n * channels + c] += call.inputs[0][(n * positions + position) * channels + c];
                }
            }
        }
        for sum in &mut y {
            *sum /= positions as f64;
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (positions, channels) = (self.input_shape().positions(), self.input_shape().channels());
        let mut grad_x = vec![0.0; call.inputs[0].len()];
        for n in 0..call.batch {
            for position in 0..positions {
                for c in 0..channels {
                    grad_x[(n * positions + position) * channels + c] = grad_y[n * channels + c] / positions as f64;
                }
            }
        }
        Gradients { inputs: vec![grad_x], parameters: Vec::new() }
    }
}
