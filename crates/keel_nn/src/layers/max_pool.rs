//! Max pooling: the maximum of each window of an image.

use keel_kernels::bytes;
use keel_kernels::pooling::{self, PoolShape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{KERNEL, LayerDefinition, LayerEntry, POOL_PADDING, POOL_STRIDE};
use super::extent::Extent;
use super::window::{self, Padding, PoolWindow};
use crate::graph::Op;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, Mode, Shape, SimdLevel};

/// Keys of a `max_pool` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPoolSpec {
    /// Size of the window: a number or [height, width].
    #[serde(default = "two")]
    pub kernel: Extent,
    /// Step between windows: a number or [height, width]. Default: the kernel size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Extent>,
    /// Padding around the image: "same", "valid" or the number of rows and columns on each side. Padding is never the maximum.
    #[serde(default = "none")]
    pub padding: Padding,
}

impl MaxPoolSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry =
        LayerEntry { name: "max_pool", summary: "maximum of each window", keys: &[KERNEL, POOL_STRIDE, POOL_PADDING] };
}

impl LayerDefinition for MaxPoolSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::MaxPool(self.build(input)?))
    }
}

fn two() -> Extent {
    Extent::square(2)
}

fn none() -> Padding {
    Padding::Each(0)
}

impl MaxPoolSpec {
    /// Creates adjacent windows without padding.
    pub fn new(kernel: impl Into<Extent>) -> Self {
        MaxPoolSpec { kernel: kernel.into(), stride: None, padding: none() }
    }
}

impl MaxPoolSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is not an image, a size is 0, a window does not fit or could cover padding only.
    pub fn build(&self, input: Shape) -> Result<MaxPool, BuildError> {
        let windows = PoolWindow { kernel: self.kernel, stride: self.stride, padding: self.padding }
            .fit(Self::ENTRY.name, input)?;
        Ok(MaxPool { windows })
    }
}

/// Maximum of each window. Among equal values, the first receives the gradient; NaN is larger than every number. The position of
/// each maximum is kept for backward, one byte per value.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    windows: PoolShape,
}

impl MaxPool {
    /// Returns its windows.
    pub fn windows(&self) -> &PoolShape {
        &self.windows
    }

    /// Returns the number of bytes that store the positions of the maxima of a batch in training.
    fn places_length(&self, batch: usize) -> usize {
        batch * pooling::places_length(&self.windows)
    }
}

impl Layer for MaxPool {
    fn kind(&self) -> &'static str {
        MaxPoolSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        window::pool_output(&self.windows)
    }

    fn memory(&self, request: MemoryRequest, _simd: SimdLevel) -> Memory {
        let saved = match request.mode {
            Mode::Train => bytes::floats_for(self.places_length(request.batch)),
            Mode::Evaluate => 0,
        };
        Memory { saved, ..Memory::default() }
    }

    fn forward(&self, context: Forward<'_>) {
        let places = match context.mode {
            Mode::Train => self.places_length(context.batch),
            Mode::Evaluate => 0,
        };
        let places = &mut bytes::of_mut(context.saved)[..places];
        pooling::max_pool(context.simd, &self.windows, context.inputs[0], context.output, places);
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            let places = bytes::of(context.saved);
            pooling::max_pool_backward(context.simd, &self.windows, context.grad_output, places, grad_input);
        }
    }

    fn describe(&self) -> String {
        window::describe_pool(&self.windows)
    }
}
