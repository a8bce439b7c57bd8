//! Max pooling: the maximum of each window of an image, for every channel separately.
//!
//! ```text
//! y[n, i, j, c] = max over r, s of x[n, row(i, r), column(j, s), c]
//! row(i, r) = i * stride + r - padding      (column likewise)
//! ```
//!
//! Padding is never the maximum. The gradient of an output goes to the maximum: the first of equal values, row by row. NaN is
//! larger than every number, and the last NaN of a window takes precedence over the others, as in PyTorch.

use super::axis::Axis;
use super::{Call, Definition, Gradients};
use crate::Layer;
use crate::layers::MaxPool;

impl MaxPool {
    /// Returns the index in `x` of the maximum of each window, in the order of the output.
    fn winners(&self, batch: usize, x: &[f64]) -> Vec<usize> {
        let ([rows, columns], channels) = (Axis::of_pool(self.windows()), self.windows().channels);
        let mut winners = Vec::new();
        for n in 0..batch {
            for i in 0..rows.output {
                for j in 0..columns.output {
                    for c in 0..channels {
                        let mut best: Option<usize> = None;
                        for r in 0..rows.kernel {
                            let Some(row) = rows.position(i, r) else { continue };
                            for s in 0..columns.kernel {
                                let Some(column) = columns.position(j, s) else { continue };
                                let k = ((n * rows.size + row) * columns.size + column) * channels + c;
                                if best.is_none_or(|best| x[k] > x[best] || x[k].is_nan()) {
                                    best = Some(k);
                                }
                            }
                        }
                        winners.push(best.expect("every window holds a position of the image"));
                    }
                }
            }
        }
        winners
    }
}

impl Definition for MaxPool {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let x = call.inputs[0];
        let mut y = vec![0.0; call.batch * self.output_shape().len()];
        for (k, winner) in self.winners(call.batch, x).into_iter().enumerate() {
            y[k] = x[winner];
        }
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let x = call.inputs[0];
        let mut grad_x = vec![0.0; x.len()];
        for (k, winner) in self.winners(call.batch, x).into_iter().enumerate() {
            grad_x[winner] += grad_y[k];
        }
        Gradients { inputs: vec![grad_x], parameters: Vec::new() }
    }

    fn branches(&self, call: &Call<'_>) -> Vec<u32> {
        self.winners(call.batch, call.inputs[0]).into_iter().map(|winner| winner as u32).collect()
    }
}
