//! Flatten: the values of an image `[height, width, channels]` as a vector, in the same order.

use super::{Call, Definition, Gradients};
use crate::layers::Flatten;

impl Definition for Flatten {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        call.inputs[0].to_vec()
    }

    fn backward(&self, _call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        Gradients { inputs: vec![grad_y.to_vec()], parameters: Vec::new() }
    }
}
