//! Members of an ensemble: copies of the features, each with its own scales.
//!
//! ```text
//! y[n, m, c]      = x[n, c] * s[m, c]
//! grad_x[n, c]    = sum over m of grad_y[n, m, c] * s[m, c]
//! grad_s[m, c]    = sum over n of grad_y[n, m, c] * x[n, c]
//! ```
//!
//! `x` is `[batch, features]`, `s` `[count, features]`, `y` `[batch, count, features]`.

use super::{Call, Definition, Gradients};
use crate::layers::Members;

impl Definition for Members {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (x, s) = (call.inputs[0], call.parameters);
        let (count, features) = (self.count(), self.features());
        let mut y = vec![0.0; call.batch * count * features];
        for n in 0..call.batch {
            for m in 0..count {
                for c in 0..features {
                    y[(n * count + m) * features + c] = x[n * features + c] * s[m * features + c];
                }
            }
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (x, s) = (call.inputs[0], call.parameters);
        let (count, features) = (self.count(), self.features());
        let mut grad_x = vec![0.0; x.len()];
        let mut grad_s = vec![0.0; s.len()];
        for n in 0..call.batch {
            for m in 0..count {
                for c in 0..features {
                    let grad_y = grad_y[(n * count + m) * features + c];
                    grad_x[n * features + c] += grad_y * s[m * features + c];
                    grad_s[m * features + c] += grad_y * x[n * features + c];
                }
            }
        }
        Gradients { inputs: vec![grad_x], parameters: grad_s }
    }
}
