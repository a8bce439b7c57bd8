//! Maxout: the maximum of several linear maps.
//!
//! ```text
//! z[n, p, u] = b[p, u] + sum over i of x[n, i] * w[i, p, u]
//! y[n, u]    = max over p of z[n, p, u]
//! ```
//!
//! `x` is `[batch, in_features]`, `w` `[in_features, pieces, out_features]`, `b` `[pieces, out_features]`. The gradient of an
//! output goes to the piece with the maximum: the first of equal pieces; NaN is larger than every number, and the last NaN takes
//! precedence over the others. With `p` the piece with the maximum:
//!
//! ```text
//! grad_x[n, i]    = sum over u of grad_y[n, u] * w[i, p, u]
//! grad_w[i, p, u] = sum over n of grad_y[n, u] * x[n, i]
//! grad_b[p, u]    = sum over n of grad_y[n, u]
//! ```

use super::{Call, Definition, Gradients};
use crate::layers::Maxout;

impl Maxout {
    /// Returns `y[n, u]` and the piece with the maximum.
    fn winner(&self, call: &Call<'_>, n: usize, u: usize) -> (f64, usize) {
        let (in_features, out_features, columns) = (self.in_features(), self.out_features(), self.columns());
        let (w, b) = call.parameters.split_at(in_features * columns);
        let mut best = (f64::NAN, 0);
        for p in 0..self.pieces() {
            let column = p * out_features + u;
            let mut z = b[column];
            for i in 0..in_features {
                z += call.inputs[0][n * in_features + i] * w[i * columns + column];
            }
            if p == 0 || z > best.0 || z.is_nan() {
                best = (z, p);
            }
        }
        best
    }
}

impl Definition for Maxout {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let out_features = self.out_features();
        let mut y = vec![0.0; call.batch * out_features];
        for n in 0..call.batch {
            for u in 0..out_features {
                y[n * out_features + u] = self.winner(call, n, u).0;
            }
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (x, w) = (call.inputs[0], call.parameters);
        let (in_features, out_features, columns) = (self.in_features(), self.out_features(), self.columns());
        let mut grad_x = vec![0.0; x.len()];
        let mut grad_w = vec![0.0; in_features * columns];
        let mut grad_b = vec![0.0; columns];
        for n in 0..call.batch {
            for u in 0..out_features {
                let (_, p) = self.winner(call, n, u);
                let (column, grad_y) = (p * out_features + u, grad_y[n * out_features + u]);
                for i in 0..in_features {
                    grad_x[n * in_features + i] += grad_y * w[i * columns + column];
                    grad_w[i * columns + column] += grad_y * x[n * in_features + i];
                }
                grad_b[column] += grad_y;
            }
        }
        Gradients { inputs: vec![grad_x], parameters: [grad_w, grad_b].concat() }
    }

    fn branches(&self, call: &Call<'_>) -> Vec<u32> {
        let outputs = self.out_features();
        (0..call.batch * outputs).map(|k| self.winner(call, k / outputs, k % outputs).1 as u32).collect()
    }
}
