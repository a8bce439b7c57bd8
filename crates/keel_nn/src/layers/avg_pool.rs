//! Average pooling: the average of each window of an image.

use keel_kernels::pooling::{self, PoolShape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{KERNEL, LayerDefinition, LayerEntry, POOL_PADDING, POOL_STRIDE};
use super::extent::Extent;
use super::window::{self, Padding, PoolWindow};
use crate::graph::Op;
use crate::{Backward, Forward, Layer, Shape};

/// Keys of an `avg_pool` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvgPoolSpec {
    /// Size of the window: a number or [height, width].
    #[serde(default = "two")]
    pub kernel: Extent,
    /// Step between windows: a number or [height, width]. Default: the kernel size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Extent>,
    /// Padding around the image: "same", "valid" or the number of rows and columns on each side. Padding counts as zeros: the
    /// divisor is always the size of the kernel.
    #[serde(default = "none")]
    pub padding: Padding,
}

impl AvgPoolSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry =
        LayerEntry { name: "avg_pool", summary: "average of each window", keys: &[KERNEL, POOL_STRIDE, POOL_PADDING] };
}

impl LayerDefinition for AvgPoolSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::AvgPool(self.build(input)?))
    }
}

fn two() -> Extent {
    Extent::square(2)
}

fn none() -> Padding {
    Padding::Each(0)
}

impl AvgPoolSpec {
    /// Creates adjacent windows without padding.
    pub fn new(kernel: impl Into<Extent>) -> Self {
        AvgPoolSpec { kernel: kernel.into(), stride: None, padding: none() }
    }
}

impl AvgPoolSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is not an image, a size is 0, a window does not fit or could cover padding only.
    pub fn build(&self, input: Shape) -> Result<AvgPool, BuildError> {
        let windows = PoolWindow { kernel: self.kernel, stride: self.stride, padding: self.padding }
            .fit(Self::ENTRY.name, input)?;
        Ok(AvgPool { windows })
    }
}

/// Average of each window; padding counts as zeros.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool {
    windows: PoolShape,
}

impl AvgPool {
    /// Returns its windows.
    pub fn windows(&self) -> &PoolShape {
        &self.windows
    }
}

impl Layer for AvgPool {
    fn kind(&self) -> &'static str {
        AvgPoolSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        window::pool_output(&self.windows)
    }

    fn forward(&self, context: Forward<'_>) {
        pooling::average_pool(context.simd, &self.windows, context.inputs[0], context.output);
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            pooling::average_pool_backward(context.simd, &self.windows, context.grad_output, grad_input);
        }
    }

    fn describe(&self) -> String {
        window::describe_pool(&self.windows)
    }
}
