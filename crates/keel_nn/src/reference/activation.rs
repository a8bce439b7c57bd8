//! Activation functions: `y = f(x)` for every value, and `grad_x = grad_y * f'(x)`.
//!
//! `f` and `f'` are in the file of each activation; at a kink, `f'` is the left-hand derivative. Prelu learns its slope, one per
//! channel `c`: the gradient of `slope[c]` is the sum of `grad_y * x` over all `x` of that channel that are not positive.

use super::{Call, Definition, Gradients};
use crate::Layer;
use crate::activations::{Activation, prelu};
use crate::layers::ActivationLayer;

impl Definition for ActivationLayer {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let x = call.inputs[0];
        let channels = self.output_shape().channels();
        let mut y = vec![0.0; x.len()];
        for k in 0..x.len() {
            y[k] = match self.activation() {
                Activation::Prelu(_) => prelu::value(call.parameters[k % channels], x[k]),
                f => f.definition().value(x[k]),
            };
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let x = call.inputs[0];
        let channels = self.output_shape().channels();
        let mut grad_x = vec![0.0; x.len()];
        let mut grad_slope = vec![0.0; call.parameters.len()];
        for k in 0..x.len() {
            grad_x[k] = match self.activation() {
                Activation::Prelu(_) => {
                    grad_slope[k % channels] += grad_y[k] * prelu::slope_derivative(x[k]);
                    grad_y[k] * prelu::derivative(call.parameters[k % channels], x[k])
                }
                f => grad_y[k] * f.definition().derivative(x[k]),
            };
        }
        Gradients { inputs: vec![grad_x], parameters: grad_slope }
    }

    fn branches(&self, call: &Call<'_>) -> Vec<u32> {
        let kinks = self.activation().definition().kinks();
        let branch = |&x: &f64| kinks.iter().map(|&kink| u32::from(x > kink)).sum();
        if kinks.is_empty() { Vec::new() } else { call.inputs[0].iter().map(branch).collect() }
    }
}
