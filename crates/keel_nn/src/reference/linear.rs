//! Linear layer: every output is a weighted sum of all inputs, or of all inputs of its group.
//!
//! ```text
//! y[n, g, o] = b[g, o] + sum over i of x[n, g, i] * w[g, i, o]
//! ```
//!
//! `x` is `[batch, groups, in_features / groups]`, `w` `[groups, in_features / groups, out_features / groups]`, `y`
//! `[batch, groups, out_features / groups]`; without groups this is the matrix product `y = x w + b`. Backward:
//!
//! ```text
//! grad_x[n, g, i] = sum over o of grad_y[n, g, o] * w[g, i, o]
//! grad_w[g, i, o] = sum over n of grad_y[n, g, o] * x[n, g, i]
//! grad_b[g, o]    = sum over n of grad_y[n, g, o]
//! ```

use super::{Call, Definition, Gradients};
use crate::layers::Linear;

/// Indices of one product in the sum.
struct Product {
    x: usize,
    w: usize,
    y: usize,
}

impl Linear {
    /// Calls `visit` for every product of every sum.
    fn for_each_product(&self, batch: usize, mut visit: impl FnMut(Product)) {
        let groups = self.spec().groups;
        let (inputs, outputs) = (self.in_features() / groups, self.out_features() / groups);
        for n in 0..batch {
            for g in 0..groups {
                for i in 0..inputs {
                    for o in 0..outputs {
                        visit(Product {
                            x: (n * groups + g) * inputs + i,
                            w: (g * inputs + i) * outputs + o,
                            y: (n * groups + g) * outputs + o,
                        });
                    }
                }
            }
        }
    }
}

impl Definition for Linear {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (x, out_features) = (call.inputs[0], self.out_features());
        let (w, b) = call.parameters.split_at(self.weight_length());
        let mut y = vec![0.0; call.batch * out_features];
        if self.spec().bias {
            for (index, y) in y.iter_mut().enumerate() {
                *y = b[index % out_features];
            }
        }
        self.for_each_product(call.batch, |at| y[at.y] += x[at.x] * w[at.w]);
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (x, w, out_features) = (call.inputs[0], call.parameters, self.out_features());
        let mut grad_x = vec![0.0; x.len()];
        let mut grad_w = vec![0.0; self.weight_length()];
        self.for_each_product(call.batch, |at| {
            grad_x[at.x] += grad_y[at.y] * w[at.w];
            grad_w[at.w] += grad_y[at.y] * x[at.x];
        });
        let mut grad_b = vec![0.0; if self.spec().bias { out_features } else { 0 }];
        if self.spec().bias {
            for (index, grad_y) in grad_y.iter().enumerate() {
                grad_b[index % out_features] += grad_y;
            }
        }
        Gradients { inputs: vec![grad_x], parameters: [grad_w, grad_b].concat() }
    }
}
