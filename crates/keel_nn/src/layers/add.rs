//! The sum that ends a residual block.

use keel_kernels::elementwise;

use crate::{Backward, Forward, Layer, Memory, MemoryRequest, Shape, SimdLevel};

/// Adds two inputs of the same shape.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    shape: Shape,
}

impl Add {
    /// Creates the sum of two values of `shape`.
    pub fn new(shape: Shape) -> Self {
        Add { shape }
    }
}

impl Layer for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn memory(&self, _request: MemoryRequest, _simd: SimdLevel) -> Memory {
        Memory { passes_gradient: true, ..Memory::default() }
    }

    fn forward(&self, context: Forward<'_>) {
        elementwise::add(context.simd, context.inputs, context.output);
    }

    fn backward(&self, context: Backward<'_>) {
        for grad_input in context.grad_inputs {
            if !grad_input.is_empty() {
                elementwise::copy(context.grad_output, grad_input);
            }
        }
    }
}
