//! Global average pooling: the average of each channel over the whole image (Lin, Chen & Yan 2014).

use keel_kernels::Scratch;
use keel_kernels::pooling::{self, GlobalShape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::graph::Op;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, Shape, SimdLevel};

/// A `global_avg_pool` layer has no keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalAvgPoolSpec {}

impl GlobalAvgPoolSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry =
        LayerEntry { name: "global_avg_pool", summary: "average of each channel over the whole image", keys: &[] };
}

impl LayerDefinition for GlobalAvgPoolSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::GlobalAvgPool(self.build(input)?))
    }
}

impl GlobalAvgPoolSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is not an image or is empty.
    pub fn build(&self, input: Shape) -> Result<GlobalAvgPool, BuildError> {
        let kind = Self::ENTRY.name;
        match input {
            Shape::Features(features) => Err(BuildError::WantsImage { kind, features }),
            image if image.is_empty() => Err(BuildError::EmptyInput { kind, input }),
            image => Ok(GlobalAvgPool { input: image }),
        }
    }
}

/// Average over positions, `[batch, height, width, channels]` to `[batch, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct GlobalAvgPool {
    input: Shape,
}

impl GlobalAvgPool {
    /// Returns the shape of an input sample.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    fn sizes(&self) -> GlobalShape {
        GlobalShape { positions: self.input.positions(), channels: self.input.channels() }
    }
}

impl Layer for GlobalAvgPool {
    fn kind(&self) -> &'static str {
        GlobalAvgPoolSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        Shape::Features(self.input.channels())
    }

    fn memory(&self, request: MemoryRequest, _simd: SimdLevel) -> Memory {
        Memory { forward_scratch: request.batch * self.input.channels(), ..Memory::default() }
    }

    fn forward(&self, context: Forward<'_>) {
        let scratch = Scratch(context.scratch);
        pooling::global_average(context.simd, self.sizes(), context.inputs[0], context.output, scratch);
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            pooling::global_average_backward(context.simd, self.sizes(), context.grad_output, grad_input);
        }
    }

    fn describe(&self) -> String {
        format!("{} -> {}", self.input, self.input.channels())
    }
}
