//! Two-dimensional convolution.

use std::sync::Arc;

use keel_kernels::Scratch;
use keel_kernels::convolution::{
    BatchGradient, BatchGradientOutput, BatchInput, Convolution, ConvolutionAt, ConvolutionShape, Filter,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{BIAS, BIAS_INIT, FROZEN, INIT, LayerDefinition, LayerEntry};
use super::extent::Extent;
use super::sizes::check_convolution;
use super::window::{Padding, Window};
use crate::graph::Op;
use crate::init::InitSpec;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel, Trained};

/// Keys of a `conv2d` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conv2dSpec {
    /// Number of output channels.
    #[schemars(range(min = 1))]
    pub out_channels: usize,
    /// Size of the window: a number or [height, width].
    #[serde(default = "three")]
    pub kernel: Extent,
    /// Step between windows: a number or [height, width].
    #[serde(default = "one")]
    pub stride: Extent,
    /// Zero padding around the image: "same" keeps the size at stride 1, "valid" is no padding, a number is the padding on each side.
    #[serde(default = "same")]
    pub padding: Padding,
    /// Distance between neighbouring kernel elements.
    #[serde(default = "dense")]
    #[schemars(range(min = 1))]
    pub dilation: usize,
    /// Number of groups of channels that are convolved separately; equal to the number of input channels for a depthwise convolution.
    #[serde(default = "dense")]
    #[schemars(range(min = 1))]
    pub groups: usize,
    /// Adds a learned bias to every output channel; unnecessary before a batch norm.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Initialiser of the weights.
    #[serde(default = "InitSpec::auto")]
    pub init: InitSpec,
    /// Initialiser of the biases.
    #[serde(default = "InitSpec::zeros")]
    pub bias_init: InitSpec,
    /// Keeps weights and biases at their initial values.
    #[serde(default)]
    pub frozen: bool,
    /// Number of epochs in which the biases are trained, even if the weights are `frozen`; they are constant afterwards. 0 = as
    /// long as the weights.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bias_epochs: u64,
}

impl Conv2dSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "conv2d",
        summary: "two-dimensional convolution over images",
        keys: &[
            ("out_channels", "number; required"),
            ("kernel", "number or [height, width]; 3"),
            ("stride", "number or [height, width]; 1"),
            ("padding", "\"same\", \"valid\" or a number; \"same\""),
            ("dilation", "number; 1"),
            ("groups", "number; 1"),
            BIAS,
            INIT,
            BIAS_INIT,
            FROZEN,
            ("bias_epochs", "number of epochs in which the biases are trained; 0 = as long as the weights"),
        ],
    };
}

impl LayerDefinition for Conv2dSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Conv2d(self.build(input)?))
    }
}

fn three() -> Extent {
    Extent::square(3)
}

fn one() -> Extent {
    Extent::square(1)
}

fn same() -> Padding {
    Padding::Same
}

fn dense() -> usize {
    1
}

fn yes() -> bool {
    true
}

fn is_none(epochs: &u64) -> bool {
    *epochs == 0
}

impl Conv2dSpec {
    /// Creates a convolution with a bias, stride 1 and "same" padding.
    pub fn new(out_channels: usize, kernel: impl Into<Extent>) -> Self {
        Conv2dSpec {
            out_channels,
            kernel: kernel.into(),
            stride: one(),
            padding: same(),
            dilation: dense(),
            groups: dense(),
            bias: yes(),
            init: InitSpec::Auto,
            bias_init: InitSpec::Zeros,
            frozen: false,
            bias_epochs: 0,
        }
    }
}

impl Conv2dSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is not an image, the window does not fit it, a size is 0, groups do not divide the channels, `bias_epochs` is
    /// set without a bias, or the padded image, the output or the weights exceed any memory.
    pub fn build(&self, input: Shape) -> Result<Conv2d, BuildError> {
        let kind = Self::ENTRY.name;
        let (kernel, stride, groups) = (self.kernel, self.stride, self.groups);
        let fitted = Window { kernel, stride, padding: self.padding, dilation: self.dilation }.fit(kind, input)?;
        if let Some(key) = [("out_channels", self.out_channels), ("groups", groups)].iter().find(|(_, size)| *size == 0)
        {
            return Err(BuildError::Zero { kind, key: key.0 });
        }
        if self.bias_epochs > 0 && !self.bias {
            return Err(BuildError::BiasMissing { kind, key: "bias_epochs" });
        }
        for (what, channels) in [("input channels", input.channels()), ("output channels", self.out_channels)] {
            if !channels.is_multiple_of(groups) {
                return Err(BuildError::NotDivisible { kind, what, channels, groups });
            }
        }
        let Shape::Image { height, width, channels } = input else {
            return Err(BuildError::WantsImage { kind, features: input.len() });
        };
        let shape = ConvolutionShape {
            height,
            width,
            in_channels: channels,
            out_channels: self.out_channels,
            kernel: [kernel.height, kernel.width],
            stride: [stride.height, stride.width],
            padding: [fitted.rows, fitted.columns],
            dilation: [self.dilation; 2],
            groups,
        };
        check_convolution(kind, &shape)?;
        Ok(Conv2d { convolution: Arc::new(Convolution::new(shape)), spec: self.clone() })
    }
}

/// Cross-correlation over NHWC images, weights `[kernel_h, kernel_w, in_channels / groups, out_channels]`.
#[derive(Clone, Debug)]
pub struct Conv2d {
    convolution: Arc<Convolution>,
    spec: Conv2dSpec,
}

impl Conv2d {
    /// Returns its keys.
    pub fn spec(&self) -> &Conv2dSpec {
        &self.spec
    }

    /// Returns all its sizes, with the padding resolved.
    pub fn shape(&self) -> &ConvolutionShape {
        self.convolution.shape()
    }

    /// Returns the implementation at a SIMD level.
    pub(super) fn at(&self, simd: SimdLevel) -> ConvolutionAt<'_> {
        self.convolution.at(simd)
    }

    /// Returns the number of floats of weights and bias.
    pub(super) fn parameter_length(&self) -> usize {
        let shape = self.convolution.shape();
        shape.weight_length() + if self.spec.bias { shape.out_channels } else { 0 }
    }

    /// Splits the layer's parameters into weights and biases.
    pub(super) fn filter<'a>(&self, parameters: &'a [f32]) -> Filter<'a> {
        let (weights, bias) = parameters.split_at(self.convolution.shape().weight_length());
        Filter { weights, bias: self.spec.bias.then_some(bias) }
    }
}

impl Layer for Conv2d {
    fn kind(&self) -> &'static str {
        Conv2dSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        let shape = self.convolution.shape();
        Shape::Image { height: shape.out_height(), width: shape.out_width(), channels: shape.out_channels }
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let shape = self.convolution.shape();
        let [kernel_h, kernel_w] = shape.kernel;
        let fan_in = shape.depth();
        let fan_out = kernel_h * kernel_w * shape.out_channels / shape.groups;
        let mut parameters = vec![ParameterSpec {
            name: "weight",
            shape: vec![kernel_h, kernel_w, shape.in_channels / shape.groups, shape.out_channels],
            role: ParameterRole::Weight,
            fan_in,
            fan_out,
            init: Some(self.spec.init),
        }];
        if self.spec.bias {
            let (shape, role, init) = (vec![shape.out_channels], ParameterRole::Bias, Some(self.spec.bias_init));
            parameters.push(ParameterSpec { name: "bias", shape, role, fan_in, fan_out, init });
        }
        parameters
    }

    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        let kernel = self.at(simd);
        Memory {
            forward_scratch: kernel.forward_scratch(request.workers),
            backward_scratch: kernel.backward_scratch(request.batch, request.workers),
            backward_reads_input: true,
            accumulates: true,
            ..Memory::default()
        }
    }

    fn forward(&self, context: Forward<'_>) {
        let read = BatchInput { input: context.inputs[0], filter: self.filter(context.parameters) };
        self.at(context.simd).forward_batch(read, context.output, Scratch(context.scratch));
    }

    fn backward(&self, context: Backward<'_>) {
        let length = self.convolution.shape().weight_length();
        let (grad_weights, grad_bias) = context.grad_parameters.split_at_mut(length);
        let [grad_input, _] = context.grad_inputs;
        let weights = &context.parameters[..length];
        let read =
            BatchGradient { batch: context.batch, input: context.inputs[0], grad_output: context.grad_output, weights };
        let write = BatchGradientOutput { grad_input, grad_weights, grad_bias, accumulate: context.accumulate };
        self.at(context.simd).backward_batch(read, write, Scratch(context.scratch));
    }

    fn describe(&self) -> String {
        let shape = self.convolution.shape();
        let mut text = format!("{}, {} -> {}", self.spec.kernel, shape.in_channels, shape.out_channels);
        if shape.stride != [1, 1] {
            text += &format!(", stride {}", self.spec.stride);
        }
        if shape.groups > 1 {
            text += &format!(", {} groups", shape.groups);
        }
        if shape.dilation != [1, 1] {
            text += &format!(", dilation {}", self.spec.dilation);
        }
        text
    }

    fn trained(&self, role: ParameterRole) -> Trained {
        match (role, self.spec.bias_epochs) {
            (ParameterRole::Bias, 1..) => Trained::Epochs(self.spec.bias_epochs),
            _ if self.spec.frozen => Trained::Never,
            _ => Trained::Always,
        }
    }

    fn multiply_adds(&self) -> u64 {
        self.convolution.shape().multiply_adds() as u64
    }
}
