//! Flatten: turns an image into a vector, in memory order (row, column, channel).

use keel_kernels::elementwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::graph::Op;
use crate::{Backward, Forward, Layer, Shape};

/// A `flatten` layer has no keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlattenSpec {}

impl FlattenSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry { name: "flatten", summary: "image to vector", keys: &[] };
}

impl LayerDefinition for FlattenSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Flatten(self.build(input)?))
    }
}

impl FlattenSpec {
    /// Builds the layer for one input shape; a vector stays unchanged.
    ///
    /// # Errors
    /// If the input is empty.
    pub fn build(&self, input: Shape) -> Result<Flatten, BuildError> {
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind: Self::ENTRY.name, input });
        }
        Ok(Flatten { input })
    }
}

/// View of `[batch, height, width, channels]` as `[batch, height * width * channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Flatten {
    input: Shape,
}

impl Layer for Flatten {
    fn kind(&self) -> &'static str {
        FlattenSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        Shape::Features(self.input.len())
    }

    fn forward(&self, context: Forward<'_>) {
        elementwise::copy(context.inputs[0], context.output);
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            elementwise::copy(context.grad_output, grad_input);
        }
    }

    fn describe(&self) -> String {
        format!("{} -> {}", self.input, self.input.len())
    }

    fn is_view(&self) -> bool {
        true
    }
}
