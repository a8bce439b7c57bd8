//! Activation layers: one function applied to every value.

use keel_kernels::Scratch;
use keel_kernels::activation::{self, ActivationGradient, Prelu, PreluGradient};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::activations::{Activation, Setting};
use crate::graph::Op;
use crate::init::InitSpec;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel};

impl Activation {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is empty, or the key of the function has an invalid value.
    pub fn build(&self, input: Shape) -> Result<ActivationLayer, BuildError> {
        let kind = Self::ENTRY.name;
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind, input });
        }
        match self.definition().setting() {
            Some(Setting { key, value, allowed, is_allowed: false }) => {
                Err(BuildError::OutOfRange { kind, key, value, allowed })
            }
            _ => Ok(ActivationLayer { activation: *self, shape: input }),
        }
    }
}

impl Activation {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "activation",
        summary: "applies a function to every value",
        keys: &[
            ("function", "name of an activation; required"),
            ("slope", "of leaky_relu (0.01) and prelu (0.25)"),
            ("alpha", "of elu; 1"),
        ],
    };
}

impl LayerDefinition for Activation {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Activation(self.build(input)?))
    }
}

/// `output = f(input)`, of any shape; prelu has one slope per channel, `[channels]`.
#[derive(Clone, Debug)]
pub struct ActivationLayer {
    activation: Activation,
    shape: Shape,
}

impl ActivationLayer {
    /// Returns the function, with its initial key.
    pub fn activation(&self) -> Activation {
        self.activation
    }
}

impl Layer for ActivationLayer {
    fn kind(&self) -> &'static str {
        Activation::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let Some(slope) = self.activation.definition().learned_slope() else { return Vec::new() };
        vec![ParameterSpec {
            name: "slope",
            shape: vec![self.shape.channels()],
            role: ParameterRole::Slope,
            fan_in: 1,
            fan_out: 1,
            init: Some(InitSpec::constant(slope)),
        }]
    }

    /// Returns memory without the input if the derivative can be computed from the output.
    fn memory(&self, _request: MemoryRequest, _simd: SimdLevel) -> Memory {
        match self.activation.function() {
            Some(function) => Memory {
                backward_reads_output: function.from_output(),
                backward_reads_input: !function.from_output(),
                ..Memory::default()
            },
            None => Memory {
                backward_scratch: activation::prelu_scratch_length(self.shape.channels()),
                backward_reads_input: true,
                ..Memory::default()
            },
        }
    }

    fn forward(&self, context: Forward<'_>) {
        match self.activation.function() {
            Some(function) => activation::forward(context.simd, function, context.inputs[0], context.output),
            None => {
                let prelu = Prelu { simd: context.simd, slope: context.parameters };
                prelu.forward(context.inputs[0], context.output);
            }
        }
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        let (simd, grad_output) = (context.simd, &*context.grad_output);
        let from_input = ActivationGradient { saved: context.inputs[0], grad_output };
        match self.activation.function() {
            Some(_) if grad_input.is_empty() => {}
            Some(function) if function.from_output() => {
                let from_output = ActivationGradient { saved: context.output, grad_output };
                activation::backward_from_output(simd, function, from_output, grad_input);
            }
            Some(function) => activation::backward(simd, function, from_input, grad_input),
            None => {
                let gradient = PreluGradient { input: grad_input, slope: context.grad_parameters };
                let prelu = Prelu { simd, slope: context.parameters };
                prelu.backward(from_input, gradient, Scratch(context.scratch));
            }
        }
    }

    fn describe(&self) -> String {
        self.activation.to_string()
    }

    fn is_view(&self) -> bool {
        self.activation == Activation::Identity
    }
}
