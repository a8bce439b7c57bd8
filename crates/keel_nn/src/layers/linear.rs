//! Linear layers: every output is a weighted sum of all inputs.

use keel_kernels::matmul::{self, Sizes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BuildError, Part};
use crate::init::InitSpec;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape};

/// Keys of a `linear` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearSpec {
    /// Length of the output; the last linear layer may leave it out: the number of classes or targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub out_features: Option<usize>,
    /// Whether a learned number is added to every output.
    #[serde(default = "yes")]
    pub bias: bool,
    /// How the weights start.
    #[serde(default = "auto")]
    pub init: InitSpec,
    /// How the biases start.
    #[serde(default = "zeros")]
    pub bias_init: InitSpec,
    /// Whether weights and biases stay as they start: training changes neither.
    #[serde(default)]
    pub frozen: bool,
}

fn yes() -> bool {
    true
}

fn auto() -> InitSpec {
    InitSpec::Auto
}

fn zeros() -> InitSpec {
    InitSpec::Zeros
}

impl LinearSpec {
    /// A layer with a bias and the default initialisers.
    pub fn new(out_features: usize) -> Self {
        LinearSpec { out_features: Some(out_features), bias: yes(), init: auto(), bias_init: zeros(), frozen: false }
    }
}

impl LinearSpec {
    /// The layer for one input shape.
    ///
    /// # Errors
    /// If the input is an image, or `out_features` is missing or 0.
    pub fn build(&self, input: Shape) -> Result<Linear, BuildError> {
        let kind = "linear";
        let Shape::Features(in_features) = input else { return Err(BuildError::WantsFeatures { kind, input }) };
        if in_features == 0 {
            return Err(BuildError::EmptyInput { kind, input });
        }
        match self.out_features {
            None => Err(BuildError::OutFeaturesMissing { kind }),
            Some(0) => Err(BuildError::Zero { kind, key: "out_features" }),
            Some(out_features) => Ok(Linear { in_features, out_features, spec: self.clone() }),
        }
    }
}

/// `Y = X W + b` with X `[batch, in_features]`, W `[in_features, out_features]`, b `[out_features]`.
#[derive(Clone, Debug)]
pub struct Linear {
    in_features: usize,
    out_features: usize,
    spec: LinearSpec,
}

impl Linear {
    fn weight_length(&self) -> usize {
        self.in_features * self.out_features
    }
}

impl Layer for Linear {
    fn kind(&self) -> &'static str {
        "linear"
    }

    fn output_shape(&self) -> Shape {
        Shape::Features(self.out_features)
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let (fan_in, fan_out) = (self.in_features, self.out_features);
        let mut parameters = vec![ParameterSpec {
            name: "weight",
            shape: vec![fan_in, fan_out],
            role: ParameterRole::Weight,
            fan_in,
            fan_out,
            init: Some(self.spec.init),
        }];
        if self.spec.bias {
            let (shape, role, init) = (vec![fan_out], ParameterRole::Bias, Some(self.spec.bias_init));
            parameters.push(ParameterSpec { name: "bias", shape, role, fan_in, fan_out, init });
        }
        parameters
    }

    fn memory(&self, request: MemoryRequest) -> Memory {
        let (rows, depth, columns) = (request.batch, self.in_features, self.out_features);
        Memory {
            forward_scratch: matmul::scratch_length(depth, columns),
            backward_scratch: matmul::scratch_length(columns, depth).max(matmul::scratch_length(rows, columns)),
            backward_reads_input: true,
            ..Memory::default()
        }
    }

    fn forward(&self, context: Forward<'_>) {
        let sizes = Sizes { rows: context.batch, depth: self.in_features, columns: self.out_features };
        let (weight, bias) = context.parameters.split_at(self.weight_length());
        let bias = self.spec.bias.then_some(bias);
        matmul::matmul(sizes, context.inputs[0], weight, bias, (context.output, context.scratch));
    }

    fn backward(&self, context: Backward<'_>) {
        let (batch, in_features, out_features) = (context.batch, self.in_features, self.out_features);
        let (grad_weight, grad_bias) = context.grad_parameters.split_at_mut(self.weight_length());
        let sizes = Sizes { rows: in_features, depth: batch, columns: out_features };
        let scratch = context.scratch;
        matmul::transposed_matmul(sizes, context.inputs[0], context.grad_output, (grad_weight, scratch));
        grad_bias.fill(0.0);
        if self.spec.bias {
            for row in context.grad_output.chunks_exact(out_features) {
                grad_bias.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            let weight = &context.parameters[..self.weight_length()];
            let sizes = Sizes { rows: batch, depth: out_features, columns: in_features };
            matmul::matmul_transposed(sizes, context.grad_output, weight, (grad_input, scratch));
        }
    }

    fn describe(&self) -> String {
        format!("{} -> {}{}", self.in_features, self.out_features, if self.spec.bias { "" } else { ", no bias" })
    }

    fn frozen(&self) -> bool {
        self.spec.frozen
    }

    fn part(&self) -> Part<'_> {
        Part::Linear(self)
    }

    fn multiply_adds(&self) -> u64 {
        self.weight_length() as u64
    }
}
