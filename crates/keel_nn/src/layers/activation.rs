//! Activation layers: one function applied to every value.

use keel_kernels::Scratch;
use keel_kernels::activation::{self, ActivationGradient, Prelu, PreluGradient};

use super::BuildError;
use crate::activations::Activation;
use crate::init::InitSpec;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel};

impl Activation {
    /// The layer for one input shape.
    ///
    /// # Errors
    /// If the input is empty, the slope of leaky_relu is negative, alpha of elu is not above 0, or one is not finite.
    pub fn build(&self, input: Shape) -> Result<ActivationLayer, BuildError> {
        let kind = "activation";
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind, input });
        }
        let wrong = match *self {
            Activation::LeakyRelu { slope } if !(slope >= 0.0 && slope.is_finite()) => {
                Some(("slope", slope, "0 or more"))
            }
            Activation::Prelu { slope } if !slope.is_finite() => Some(("slope", slope, "a finite number")),
            Activation::Elu { alpha } if !(alpha > 0.0 && alpha.is_finite()) => Some(("alpha", alpha, "above 0")),
            _ => None,
        };
        match wrong {
            Some((key, value, allowed)) => Err(BuildError::OutOfRange { kind, key, value, allowed }),
            None => Ok(ActivationLayer { activation: *self, shape: input }),
        }
    }
}

/// `output = f(input)`, of any shape; prelu has one slope for each channel, `[channels]`.
#[derive(Clone, Debug)]
pub struct ActivationLayer {
    activation: Activation,
    shape: Shape,
}

impl ActivationLayer {
    /// The function, with its own parameter before training.
    pub fn activation(&self) -> Activation {
        self.activation
    }
}

impl Layer for ActivationLayer {
    fn kind(&self) -> &'static str {
        "activation"
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let Activation::Prelu { slope } = self.activation else { return Vec::new() };
        vec![ParameterSpec {
            name: "slope",
            shape: vec![self.shape.channels()],
            role: ParameterRole::Slope,
            fan_in: 1,
            fan_out: 1,
            init: Some(InitSpec::Constant { value: slope }),
        }]
    }

    /// Backward reads the output where the derivative follows from it, so that the input need not be kept.
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
