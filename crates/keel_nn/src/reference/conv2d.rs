//! Two-dimensional convolution, in the sense of a cross-correlation:
//!
//! ```text
//! y[n, i, j, o] = b[o] + sum over r, s, c of x[n, row(i, r), column(j, s), first(o) + c] * w[r, s, c, o]
//! row(i, r) = i * stride + r * dilation - padding      (column likewise)
//! ```
//!
//! Positions outside the image count as zero. With several groups, output channel `o` of group `g` sees only the input
//! channels of that group, which start at `first(o) = g * in_channels / groups`.
//!
//! Every product `x * w` adds to one `y`. Its gradient therefore adds `grad_y * w` to the gradient of that `x` and
//! `grad_y * x` to the gradient of that `w`.

use super::axis::Axis;
use super::{Call, Definition, Gradients};
use crate::Layer;
use crate::layers::Conv2d;

/// Indices of one product in the sum.
struct Product {
    x: usize,
    w: usize,
    y: usize,
}

impl Conv2d {
    /// Returns the rows, then the columns of the sliding window.
    fn axes(&self) -> [Axis; 2] {
        let (shape, output) = (self.shape(), self.output_shape().dimensions());
        let size = [shape.height, shape.width];
        [0, 1].map(|side| Axis {
            size: size[side],
            kernel: shape.kernel[side],
            stride: shape.stride[side],
            padding: shape.padding[side][0],
            dilation: shape.dilation[side],
            output: output[side],
        })
    }

    /// Calls `visit` for every product of every sum.
    fn for_each_product(&self, batch: usize, mut visit: impl FnMut(Product)) {
        let [rows, columns] = self.axes();
        let (in_channels, out_channels) = (self.shape().in_channels, self.shape().out_channels);
        let (group_inputs, group_outputs) = (in_channels / self.shape().groups, out_channels / self.shape().groups);
        for n in 0..batch {
            for i in 0..rows.output {
                for j in 0..columns.output {
                    for r in 0..rows.kernel {
                        let Some(row) = rows.position(i, r) else { continue };
                        for s in 0..columns.kernel {
                            let Some(column) = columns.position(j, s) else { continue };
                            for o in 0..out_channels {
                                let first = o / group_outputs * group_inputs;
                                for c in 0..group_inputs {
                                    visit(Product {
                                        x: ((n * rows.size + row) * columns.size + column) * in_channels + first + c,
                                        w: ((r * columns.kernel + s) * group_inputs + c) * out_channels + o,
                                        y: ((n * rows.output + i) * columns.output + j) * out_channels + o,
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Definition for Conv2d {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let (x, out_channels) = (call.inputs[0], self.shape().out_channels);
        let (w, b) = call.parameters.split_at(self.shape().weight_length());
        let mut y = vec![0.0; call.batch * self.output_shape().len()];
        if self.spec().bias {
            for (index, y) in y.iter_mut().enumerate() {
                *y = b[index % out_channels];
            }
        }
        self.for_each_product(call.batch, |at| y[at.y] += x[at.x] * w[at.w]);
        y
    }

    fn backward(&self, call: &Call<'_>, grad_y: &[f64]) -> Gradients {
        let (x, w, out_channels) = (call.inputs[0], call.parameters, self.shape().out_channels);
        let mut grad_x = vec![0.0; x.len()];
        let mut grad_w = vec![0.0; self.shape().weight_length()];
        self.for_each_product(call.batch, |at| {
            grad_x[at.x] += grad_y[at.y] * w[at.w];
            grad_w[at.w] += grad_y[at.y] * x[at.x];
        });
        let mut grad_b = vec![0.0; if self.spec().bias { out_channels } else { 0 }];
        if self.spec().bias {
            for (index, grad_y) in grad_y.iter().enumerate() {
                grad_b[index % out_channels] += grad_y;
            }
        }
        Gradients { inputs: vec![grad_x], parameters: [grad_w, grad_b].concat() }
    }
}
