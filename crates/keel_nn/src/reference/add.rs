//! The sum that ends a residual block: `y = a + b`, so that `grad_a = grad_y` and `grad_b = grad_y`.

use super::{Call, Definition, Gradients};
use crate::layers::Add;

impl Definition for Add {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (a, b) = (call.inputs[0], call.inputs[1]);
        let mut y = vec![0.0; a.len()];
        for k in 0..a.len() {
            y[k] = a[k] + b[k];
        }
        y
    }

    fn backward(&self, _call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        Gradients { inputs: vec![grad_y.to_vec(), grad_y.to_vec()], parameters: Vec::new() }
    }
}
