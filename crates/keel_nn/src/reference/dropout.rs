//! Dropout: in training, each value is set to zero with a probability, otherwise divided by the probability of being kept
//! (Srivastava et al. 2014); in evaluation, values are unchanged.
//!
//! ```text
//! y[k]      = x[k] * mask[k]
//! grad_x[k] = grad_y[k] * mask[k]
//! mask[k]   = 0 if draw[k] < probability * 2^32, else 1 / (1 - probability)
//! ```
//!
//! `draw[k]` is 32 random bits: two neighbouring values share the 64 bits of the step's key at `k / 2`, the even one uses the lower
//! half, the odd one the upper half.

use super::{Call, Definition, Gradients};
use crate::Mode;
use crate::layers::Dropout;

impl Dropout {
    /// Returns the factor of value `k`.
    fn mask(&self, call: &Call<'_>, k: usize) -> f64 {
        let probability = f64::from(self.probability());
        let bits = call.random.bits(k as u64 / 2);
        let draw = if k.is_multiple_of(2) { bits & 0xffff_ffff } else { bits >> 32 };
        match call.mode {
            Mode::Train if draw < (probability * 2f64.powi(32)) as u64 => 0.0,
            Mode::Train => 1.0 / (1.0 - probability),
            Mode::Evaluate => 1.0,
        }
    }
}

impl Definition for Dropout {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let x = call.inputs[0];
        let mut y = vec![0.0; x.len()];
        for k in 0..x.len() {
            y[k] = x[k] * self.mask(call, k);
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let mut grad_x = vec![0.0; grad_y.len()];
        for k in 0..grad_y.len() {
            grad_x[k] = grad_y[k] * self.mask(call, k);
        }
        Gradients { inputs: vec![grad_x], parameters: Vec::new() }
    }
}
