//! Pooling over windows.

use keel_nn::layers::{AvgPool, MaxPool};

use super::builder::{integer, integers};
use super::walk::Walk;
use crate::onnx::schema::AttributeProto;

/// Row and column parameters of a pool.
struct Windows {
    kernel: [usize; 2],
    stride: [usize; 2],
    /// Padding before the image.
    padding: [usize; 2],
    input: [usize; 2],
    output: [usize; 2],
}

/// Adds the largest value of each window.
pub(super) fn max_pool(walk: &mut Walk<'_>, layer: &MaxPool, input: &str) -> String {
    let shape = layer.windows();
    let (kernel, stride, padding) = (shape.kernel, shape.stride, shape.padding);
    let windows = Windows { kernel, stride, padding, input: shape.input, output: shape.output };
    walk.builder.node("MaxPool", &[input], windows.attributes())
}

/// Adds the average of each window; padding counts as zeros.
pub(super) fn avg_pool(walk: &mut Walk<'_>, layer: &AvgPool, input: &str) -> String {
    let shape = layer.windows();
    let (kernel, stride, padding) = (shape.kernel, shape.stride, shape.padding);
    let windows = Windows { kernel, stride, padding, input: shape.input, output: shape.output };
    let mut attributes = windows.attributes();
    attributes.push(integer("count_include_pad", 1));
    walk.builder.node("AveragePool", &[input], attributes)
}

impl Windows {
    fn attributes(&self) -> Vec<AttributeProto> {
        let signed = |sizes: &[usize]| -> Vec<i64> { sizes.iter().map(|&size| size as i64).collect() };
        let pads = [self.padding[0], self.padding[1], self.after(0), self.after(1)];
        vec![
            integers("kernel_shape", &signed(&self.kernel)),
            integers("strides", &signed(&self.stride)),
            integers("pads", &signed(&pads)),
        ]
    }

    /// Returns the padding after the image that the last window needs.
    fn after(&self, axis: usize) -> usize {
        let covered = (self.output[axis] - 1) * self.stride[axis] + self.kernel[axis];
        covered.saturating_sub(self.input[axis] + self.padding[axis])
    }
}
