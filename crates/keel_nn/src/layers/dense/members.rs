//! Members of an ensemble: copies of the features, each with its own scales, that pass through shared layers in parallel
//! (Gorishniy, Kotelnikov & Babenko 2025, TabM; the scales of BatchEnsemble, Wen, Tran & Ba 2020, before the first layer only).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Op;
use crate::init::InitSpec;
use crate::layers::BuildError;
use crate::layers::catalog::{LayerDefinition, LayerEntry};
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel};

/// Keys of a `members` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembersSpec {
    /// Number of copies.
    #[serde(default = "eight")]
    #[schemars(range(min = 1))]
    pub count: usize,
}

impl MembersSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "members",
        summary: "copies of the features, each with its own scales: the first layer of an ensemble within one network",
        keys: &[("count", "number of copies; 8")],
    };
}

impl LayerDefinition for MembersSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Members(self.build(input)?))
    }
}

fn eight() -> usize {
    8
}

impl Default for MembersSpec {
    fn default() -> Self {
        MembersSpec { count: eight() }
    }
}

impl MembersSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is an image or empty, or `count` is 0.
    pub fn build(&self, input: Shape) -> Result<Members, BuildError> {
        let kind = Self::ENTRY.name;
        let Shape::Features(features) = input else { return Err(BuildError::WantsFeatures { kind, input }) };
        if features == 0 {
            return Err(BuildError::EmptyInput { kind, input });
        }
        if self.count == 0 {
            return Err(BuildError::Zero { kind, key: "count" });
        }
        Ok(Members { features, count: self.count })
    }
}

/// `y[m, c] = x[c] s[m, c]`: `[batch, features]` to `[batch, 1, count, features]`, an image of one row with one pixel per member,
/// so that a 1x1 convolution is a linear layer that all members share.
#[derive(Clone, Copy, Debug)]
pub struct Members {
    features: usize,
    count: usize,
}

impl Members {
    /// Returns the number of inputs.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Returns the number of copies.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Layer for Members {
    fn kind(&self) -> &'static str {
        MembersSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        Shape::Image { height: 1, width: self.count, channels: self.features }
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        vec![ParameterSpec {
            name: "scale",
            shape: vec![self.count, self.features],
            role: ParameterRole::Scale,
            fan_in: 1,
            fan_out: self.count,
            init: Some(InitSpec::Signs),
        }]
    }

    fn memory(&self, _request: MemoryRequest, _simd: SimdLevel) -> Memory {
        Memory { backward_reads_input: true, ..Memory::default() }
    }

    fn forward(&self, context: Forward<'_>) {
        let rows = context.inputs[0].chunks_exact(self.features);
        for (row, copies) in rows.zip(context.output.chunks_exact_mut(self.count * self.features)) {
            for (copy, scales) in
                copies.chunks_exact_mut(self.features).zip(context.parameters.chunks_exact(self.features))
            {
                copy.iter_mut().zip(row).zip(scales).for_each(|((copy, value), scale)| *copy = value * scale);
            }
        }
    }

    fn backward(&self, context: Backward<'_>) {
        let sample = self.count * self.features;
        context.grad_parameters.fill(0.0);
        let rows = context.inputs[0].chunks_exact(self.features);
        for (row, gradients) in rows.zip(context.grad_output.chunks_exact(sample)) {
            for (sums, gradient) in
                context.grad_parameters.chunks_exact_mut(self.features).zip(gradients.chunks_exact(self.features))
            {
                sums.iter_mut().zip(row).zip(gradient).for_each(|((sum, value), gradient)| *sum += value * gradient);
            }
        }
        let [grad_input, _] = context.grad_inputs;
        for (sums, gradients) in
            grad_input.chunks_exact_mut(self.features).zip(context.grad_output.chunks_exact(sample))
        {
            sums.fill(0.0);
            for (gradient, scales) in
                gradients.chunks_exact(self.features).zip(context.parameters.chunks_exact(self.features))
            {
                sums.iter_mut().zip(gradient).zip(scales).for_each(|((sum, gradient), scale)| *sum += gradient * scale);
            }
        }
    }

    fn describe(&self) -> String {
        format!("{} copies of {} features, each with its own scales", self.count, self.features)
    }

    fn multiply_adds(&self) -> u64 {
        (self.count * self.features) as u64
    }
}
