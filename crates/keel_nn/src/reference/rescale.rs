//! Rescale: multiplies every value by a fixed factor.
//!
//! ```text
//! y[k]      = factor * x[k]
//! grad_x[k] = factor * grad_y[k]
//! ```

use super::{Call, Definition, Gradients};
use crate::layers::Rescale;

impl Definition for Rescale {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let factor = f64::from(self.factor());
        call.inputs[0].iter().map(|x| factor * x).collect()
    }

    fn backward(&self, _call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let factor = f64::from(self.factor());
        Gradients { inputs: vec![grad_y.iter().map(|grad_y| factor * grad_y).collect()], parameters: Vec::new() }
    }
}
