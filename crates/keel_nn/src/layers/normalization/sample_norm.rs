//! The common part of layer norm, group norm and instance norm: statistics of each sample separately, the same in training and
//! evaluation.

use keel_kernels::Scratch;
use keel_kernels::normalization::sample::{
    BackwardScratch, SampleGradient, SampleGradientOutput, SampleInput, SampleNorm as Kernel, SampleOutput,
};
use keel_kernels::normalization::{Affine, AffineGradient};

use crate::init::InitSpec;
use crate::layers::BuildError;
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel};

/// `y = (x - mean) / sqrt(variance + epsilon) * scale + shift`, mean and biased variance over the channels of a group at
/// all positions of one sample; scale and shift `[channels]`.
#[derive(Clone, Copy, Debug)]
pub struct SampleNorm {
    kind: &'static str,
    shape: Shape,
    kernel: Kernel,
    /// True if the description includes the number of groups.
    names_groups: bool,
}

impl SampleNorm {
    /// Builds a norm with `groups` groups, which must divide the channels.
    pub(in crate::layers) fn build(
        kind: &'static str,
        shape: Shape,
        groups: usize,
        epsilon: f32,
    ) -> Result<Self, BuildError> {
        if shape.is_empty() {
            return Err(BuildError::EmptyInput { kind, input: shape });
        }
        check_epsilon(kind, epsilon)?;
        if shape.len() == groups {
            let needs = "at least two values in each group of a sample";
            return Err(BuildError::NothingToNormalise { kind, input: shape, needs });
        }
        let kernel = Kernel { positions: shape.positions(), channels: shape.channels(), groups, epsilon };
        Ok(SampleNorm { kind, shape, kernel, names_groups: false })
    }

    /// Includes the number of groups in the description.
    pub(in crate::layers) fn naming_groups(self) -> Self {
        SampleNorm { names_groups: true, ..self }
    }

    /// Returns the number of groups of channels.
    pub fn groups(&self) -> usize {
        self.kernel.groups
    }

    /// Returns the number added to the variance before the square root.
    pub fn epsilon(&self) -> f32 {
        self.kernel.epsilon
    }
}

/// Rejects an epsilon that could lead to a division by zero.
pub(in crate::layers) fn check_epsilon(kind: &'static str, epsilon: f32) -> Result<(), BuildError> {
    if epsilon > 0.0 && epsilon.is_finite() {
        return Ok(());
    }
    Err(BuildError::OutOfRange { kind, key: "epsilon", value: epsilon, allowed: "above 0 and finite" })
}

/// Returns the specs of scale and shift, `[channels]` each: one and zero at the start.
pub(in crate::layers) fn scale_and_shift(channels: usize) -> Vec<ParameterSpec> {
    let parameter =
        |name, role, init| ParameterSpec { name, shape: vec![channels], role, fan_in: 1, fan_out: 1, init: Some(init) };
    vec![
        parameter("scale", ParameterRole::Scale, InitSpec::constant(1.0)),
        parameter("shift", ParameterRole::Shift, InitSpec::Zeros),
    ]
}

impl Layer for SampleNorm {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        scale_and_shift(self.kernel.channels)
    }

    fn memory(&self, request: MemoryRequest, _simd: SimdLevel) -> Memory {
        let BackwardScratch { per_sample, per_worker } = self.kernel.backward_scratch();
        Memory {
            saved: request.batch * self.kernel.statistics_length(),
            forward_scratch: request.workers.max(1) * self.kernel.forward_scratch(),
            backward_scratch: request.batch * per_sample + request.workers.max(1) * per_worker,
            backward_reads_input: true,
            backward_reads_output: false,
            ..Memory::default()
        }
    }

    fn forward(&self, context: Forward<'_>) {
        let (scale, shift) = context.parameters.split_at(self.kernel.channels);
        let statistics = &mut context.saved[..context.batch * self.kernel.statistics_length()];
        let read = SampleInput { input: context.inputs[0], affine: Affine { scale, shift } };
        let write = SampleOutput { output: context.output, statistics };
        self.kernel.forward(context.simd, read, write, Scratch(context.scratch));
    }

    fn backward(&self, context: Backward<'_>) {
        let given = SampleGradient {
            grad_output: context.grad_output,
            input: context.inputs[0],
            scale: &context.parameters[..self.kernel.channels],
            statistics: &context.saved[..context.batch * self.kernel.statistics_length()],
        };
        let [grad_input, _] = context.grad_inputs;
        let (scale, shift) = context.grad_parameters.split_at_mut(self.kernel.channels);
        let write = SampleGradientOutput { grad_input, affine: AffineGradient { scale, shift } };
        self.kernel.backward(context.simd, given, write, Scratch(context.scratch));
    }

    fn describe(&self) -> String {
        let Kernel { groups, epsilon, .. } = self.kernel;
        if self.names_groups { format!("{groups} groups, epsilon {epsilon}") } else { format!("epsilon {epsilon}") }
    }
}
