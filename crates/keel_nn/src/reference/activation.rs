//! Activation functions: `y = f(x)` for every value, and `grad_x = grad_y * f'(x)`.
//!
//! [`value`] is `f` and [`derivative`] is `f'`; at a kink, `f'` is the slope of the left side. Prelu learns its slope, one
//! for each channel `c`: the gradient of `slope[c]` is the sum of `grad_y * x` over all `x` of that channel that are not
//! positive.

use super::normal_distribution::{cumulative, density};
use super::{Call, Definition, Gradients};
use crate::Layer;
use crate::activations::Activation;
use crate::layers::ActivationLayer;

/// Slope of the positive side of selu (Klambauer et al. 2017).
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// Alpha of the elu inside selu.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

impl ActivationLayer {
    /// Returns the function's own parameter for the value at `index`: a slope, an alpha, or 0 for a function without.
    fn parameter(&self, call: &Call<'_>, index: usize) -> f64 {
        match self.activation() {
            Activation::Prelu { .. } => call.parameters[index % self.output_shape().channels()],
            Activation::LeakyRelu { slope } => f64::from(slope),
            Activation::Elu { alpha } => f64::from(alpha),
            _ => 0.0,
        }
    }
}

impl Definition for ActivationLayer {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let x = call.inputs[0];
        let mut y = vec![0.0; x.len()];
        for k in 0..x.len() {
            y[k] = value(self.activation(), self.parameter(call, k), x[k]);
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let x = call.inputs[0];
        let mut grad_x = vec![0.0; x.len()];
        let mut grad_slope = vec![0.0; call.parameters.len()];
        for k in 0..x.len() {
            grad_x[k] = grad_y[k] * derivative(self.activation(), self.parameter(call, k), x[k]);
            if let Activation::Prelu { .. } = self.activation() {
                let slope_counts = if x[k] > 0.0 { 0.0 } else { x[k] };
                grad_slope[k % self.output_shape().channels()] += grad_y[k] * slope_counts;
            }
        }
        Gradients { inputs: vec![grad_x], parameters: grad_slope }
    }
}

/// Returns `f(x)`.
fn value(f: Activation, parameter: f64, x: f64) -> f64 {
    match f {
        Activation::Identity => x,
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Relu if x < 0.0 => 0.0,
        Activation::Relu => x,
        Activation::LeakyRelu { .. } | Activation::Prelu { .. } if x > 0.0 => x,
        Activation::LeakyRelu { .. } | Activation::Prelu { .. } => parameter * x,
        Activation::Elu { .. } if x > 0.0 => x,
        Activation::Elu { .. } => parameter * x.exp_m1(),
        Activation::Selu if x > 0.0 => SELU_SCALE * x,
        Activation::Selu => SELU_SCALE * SELU_ALPHA * x.exp_m1(),
        Activation::Gelu => x * cumulative(x),
        Activation::Silu => x * sigmoid(x),
        Activation::Softplus => softplus(x),
        Activation::Mish => x * softplus(x).tanh(),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

/// Returns `f'(x)`.
fn derivative(f: Activation, parameter: f64, x: f64) -> f64 {
    match f {
        Activation::Identity => 1.0,
        Activation::Sigmoid => sigmoid(x) * sigmoid(-x),
        Activation::Tanh => 1.0 - x.tanh().powi(2),
        Activation::Relu if x > 0.0 => 1.0,
        Activation::Relu => 0.0,
        Activation::LeakyRelu { .. } | Activation::Prelu { .. } if x > 0.0 => 1.0,
        Activation::LeakyRelu { .. } | Activation::Prelu { .. } => parameter,
        Activation::Elu { .. } if x > 0.0 => 1.0,
        Activation::Elu { .. } => parameter * x.exp(),
        Activation::Selu if x > 0.0 => SELU_SCALE,
        Activation::Selu => SELU_SCALE * SELU_ALPHA * x.exp(),
        Activation::Gelu => cumulative(x) + x * density(x),
        Activation::Silu => sigmoid(x) + x * sigmoid(x) * sigmoid(-x),
        Activation::Softplus => sigmoid(x),
        Activation::Mish => {
            let t = softplus(x).tanh();
            t + x * (1.0 - t * t) * sigmoid(x)
        }
        Activation::HardSwish if x <= -3.0 => 0.0,
        Activation::HardSwish if x <= 3.0 => (2.0 * x + 3.0) / 6.0,
        Activation::HardSwish => 1.0,
    }
}

/// Returns `1 / (1 + exp(-x))`.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Returns `ln(1 + exp(x))`, written so that it cannot overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
