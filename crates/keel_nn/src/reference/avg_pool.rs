//! Average pooling: the average of each window of an image, for every channel separately.
//!
//! ```text
//! y[n, i, j, c]                      = sum over r, s of x[n, row(i, r), column(j, s), c] / area
//! grad_x[n, row(i, r), column(j, s)] gains grad_y[n, i, j, c] / area
//! row(i, r) = i * stride + r - padding      (column likewise)
//! ```
//!
//! The area is that of the whole window: padding counts as zeros.

use super::axis::Axis;
use super::{Call, Definition, Gradients};
use crate::Layer;
use crate::layers::AvgPool;

impl AvgPool {
    /// Calls `visit` with the index of an `x` and of the `y` that it adds to, for every value of every window.
    fn for_each_value(&self, batch: usize, mut visit: impl FnMut(usize, usize)) {
        let ([rows, columns], channels) = (Axis::of_pool(self.windows()), self.windows().channels);
        for n in 0..batch {
            for i in 0..rows.output {
                for j in 0..columns.output {
                    for r in 0..rows.kernel {
                        let Some(row) = rows.position(i, r) else { continue };
                        for s in 0..columns.kernel {
                            let Some(column) = columns.position(j, s) else { continue };
                            for c in 0..channels {
                                let x = ((n * rows.size + row) * columns.size + column) * channels + c;
                                let y = ((n * rows.output + i) * columns.output + j) * channels + c;
                                visit(x, y);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Returns the number of values of a window, padding included.
    fn area(&self) -> f64 {
        let [height, width] = self.windows().kernel;
        (height * width) as f64
    }
}

impl Definition for AvgPool {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let mut y = vec![0.0; call.batch * self.output_shape().len()];
        self.for_each_value(call.batch, |of_x, of_y| y[of_y] += call.inputs[0][of_x] / self.area());
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let mut grad_x = vec![0.0; call.inputs[0].len()];
        self.for_each_value(call.batch, |of_x, of_y| grad_x[of_x] += grad_y[of_y] / self.area());
        Gradients { inputs: vec![grad_x], parameters: Vec::new() }
    }
}
