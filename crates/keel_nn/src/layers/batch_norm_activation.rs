//! Batch norm and the activation after it as one layer: neither the normalised values nor the activation's own pass
//! over memory exist.

use keel_kernels::activation::Function;
use keel_kernels::normalization::batch::{self, BackwardSums};
use keel_kernels::normalization::batch_activation::{self, Activated};

use super::batch_norm::BatchNorm;
use crate::activations::Activation;
use crate::probe::Measures;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterSpec, Shape, StateSpec};

/// `y = f(batch_norm(x))`, with the parameters and the state of the norm.
#[derive(Clone, Debug)]
pub(super) struct BatchNormActivation {
    norm: BatchNorm,
    activation: Activation,
    function: Function,
}

impl BatchNormActivation {
    pub(super) fn new(norm: BatchNorm, activation: Activation, function: Function) -> Self {
        BatchNormActivation { norm, activation, function }
    }
}

impl Layer for BatchNormActivation {
    fn kind(&self) -> &'static str {
        "batch_norm_activation"
    }

    fn output_shape(&self) -> Shape {
        self.norm.output_shape()
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        self.norm.parameters()
    }

    fn state(&self) -> Vec<StateSpec> {
        self.norm.state()
    }

    fn memory(&self, request: MemoryRequest) -> Memory {
        let memory = self.norm.memory(request);
        let table = batch::FORWARD_TABLE * self.norm.channels();
        Memory { backward_scratch: memory.backward_scratch + table, ..memory }
    }

    fn forward(&self, mut context: Forward<'_>) {
        let scratch = std::mem::take(&mut context.scratch);
        let (table, records) = scratch.split_at_mut(batch::FORWARD_TABLE * self.norm.channels());
        self.norm.prepare(&mut context, table, records);
        batch_activation::normalize_and_activate(context.inputs[0], table, self.function, context.output);
    }

    fn backward(&self, context: Backward<'_>) {
        let (channels, input) = (self.norm.channels(), context.inputs[0]);
        let statistics = &context.saved[..batch::STATISTICS * channels];
        let (forward_table, rest) = context.scratch.split_at_mut(batch::FORWARD_TABLE * channels);
        let (table, records) = rest.split_at_mut(batch::BACKWARD_TABLE * channels);
        let affine = self.norm.scale_and_shift(context.parameters);
        batch::forward_table(statistics, affine, forward_table);
        let activated = Activated { x: input, table: forward_table, function: self.function };
        let length = batch_activation::activation_gradient_sums(context.grad_output, activated, records);
        let sums =
            BackwardSums { records: &records[..length], rows: input.len() / channels, statistics, scale: affine.0 };
        let split = if self.norm.spec().affine { channels } else { 0 };
        batch::backward_table(sums, context.grad_parameters.split_at_mut(split), table);
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            batch::apply_gradient(context.grad_output, input, table, grad_input);
        }
    }

    fn describe(&self) -> String {
        format!("{}, {}", self.norm.describe(), self.activation.name())
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn measures(&self) -> Measures {
        self.norm.measures()
    }

    fn needs_batch(&self) -> bool {
        self.norm.needs_batch()
    }
}
