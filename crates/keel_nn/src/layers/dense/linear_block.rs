//! A linear layer with the activation that follows, as one layer: the pre-activations are never stored.

use keel_kernels::activation::{self, Function};
use keel_kernels::matmul::RowActivation;

use super::Linear;
use crate::activations::Activation;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel, Trained};

/// `Y = f(X W + b)`, where the derivative of f can be computed from its output. It has the parameters of the linear layer.
#[derive(Clone, Debug)]
pub struct LinearBlock {
    linear: Linear,
    activation: Activation,
    function: Function,
}

impl LinearBlock {
    /// Joins a linear layer and an activation; `None` if the layer has several groups, the activation has parameters, or its
    /// derivative needs its input.
    pub fn new(linear: Linear, activation: Activation) -> Option<Self> {
        let function = activation.function().filter(|function| function.from_output())?;
        let suits = linear.spec().groups == 1 && function != Function::Identity;
        suits.then_some(LinearBlock { linear, activation, function })
    }
}

impl Layer for LinearBlock {
    fn kind(&self) -> &'static str {
        "linear_block"
    }

    fn output_shape(&self) -> Shape {
        self.linear.output_shape()
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        self.linear.parameters()
    }

    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        Memory { backward_reads_output: true, ..self.linear.memory(request, simd) }
    }

    fn forward(&self, mut context: Forward<'_>) {
        let (simd, width) = (context.simd, self.linear.out_features());
        let probe = context.probe.take();
        // The rows that are measured keep their pre-activations until then.
        let first_row = probe.as_ref().map_or(0, |probe| probe.hidden_samples(width, context.batch));
        self.linear.product(&mut context, Some(RowActivation { function: self.function, first_row }));
        if let Some(probe) = probe.filter(|_| first_row > 0) {
            let measured = &mut context.output[..first_row * width];
            probe.measure_hidden_output(simd, measured);
            activation::forward_in_place(simd, self.function, measured);
        }
    }

    fn backward(&self, mut context: Backward<'_>) {
        activation::backward_in_place(context.simd, self.function, context.output, context.grad_output);
        if let Some(probe) = context.probe.take() {
            probe.measure_hidden_gradient(context.simd, context.grad_output, context.batch);
        }
        self.linear.backward(context);
    }

    fn describe(&self) -> String {
        format!("{}, {}", self.linear.describe(), self.activation.name())
    }

    fn trained(&self, role: ParameterRole) -> Trained {
        self.linear.trained(role)
    }

    fn multiply_adds(&self) -> u64 {
        self.linear.multiply_adds()
    }
}
