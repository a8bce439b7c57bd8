//! Linear layers: every output is a weighted sum of all inputs.

use keel_kernels::matmul::{self, ActivatedFactors, Factors, RowActivation, Sizes};
use keel_kernels::{MatrixColumns, Scratch, column_sums};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backward_scratch;
use super::linear_groups::LinearGroups;
use crate::graph::Op;
use crate::init::InitSpec;
use crate::layers::BuildError;
use crate::layers::catalog::{BIAS, BIAS_INIT, FROZEN, INIT, LayerDefinition, LayerEntry};
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel, Trained};

/// Keys of a `linear` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearSpec {
    /// Number of outputs; may be omitted for the last linear layer: the number of classes or targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub out_features: Option<usize>,
    /// Number of groups of inputs and outputs, each computed separately: several networks in one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub groups: usize,
    /// Adds a learned bias to every output.
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
}

impl LinearSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "linear",
        summary: "weighted sums of all inputs",
        keys: &[
            ("out_features", "number; in the last layer: the number of classes or targets"),
            ("groups", "number; 1"),
            BIAS,
            INIT,
            BIAS_INIT,
            FROZEN,
        ],
    };
}

impl LayerDefinition for LinearSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Linear(self.build(input)?))
    }
}

fn one() -> usize {
    1
}

fn is_one(groups: &usize) -> bool {
    *groups == 1
}

fn yes() -> bool {
    true
}

impl LinearSpec {
    /// Creates a layer with a bias and the default initialisers.
    pub fn new(out_features: usize) -> Self {
        let (init, bias_init) = (InitSpec::Auto, InitSpec::Zeros);
        LinearSpec { out_features: Some(out_features), groups: one(), bias: yes(), init, bias_init, frozen: false }
    }
}

impl LinearSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is an image, `out_features` is missing or 0, or `groups` does not divide both sizes.
    pub fn build(&self, input: Shape) -> Result<Linear, BuildError> {
        let kind = Self::ENTRY.name;
        let Shape::Features(in_features) = input else { return Err(BuildError::WantsFeatures { kind, input }) };
        if in_features == 0 {
            return Err(BuildError::EmptyInput { kind, input });
        }
        let out_features = self.out_features.ok_or(BuildError::OutFeaturesMissing { kind })?;
        let sizes = [("out_features", out_features), ("groups", self.groups)];
        if let Some((key, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(BuildError::Zero { kind, key });
        }
        let groups = self.groups;
        for (what, channels) in [("inputs", in_features), ("outputs", out_features)] {
            if !channels.is_multiple_of(groups) {
                return Err(BuildError::NotDivisible { kind, what, channels, groups });
            }
        }
        Ok(Linear { in_features, out_features, spec: self.clone() })
    }
}

/// `Y = X W + b` with X `[batch, in_features]`, W `[in_features, out_features]`, b `[out_features]`. With several groups, W is
/// `[groups, in_features / groups, out_features / groups]`, one block per group.
#[derive(Clone, Debug)]
pub struct Linear {
    in_features: usize,
    out_features: usize,
    spec: LinearSpec,
}

impl Linear {
    /// Returns its keys.
    pub fn spec(&self) -> &LinearSpec {
        &self.spec
    }

    /// Returns the number of inputs.
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Returns the number of outputs.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// Returns the number of weights of all groups.
    pub fn weight_length(&self) -> usize {
        self.in_features * self.out_features / self.spec.groups
    }

    /// Returns the sizes of the product of the forward pass.
    fn sizes(&self, batch: usize) -> Sizes {
        Sizes { rows: batch, depth: self.in_features, columns: self.out_features }
    }

    /// Computes the output of one group, and applies an activation to it.
    pub(super) fn product(&self, context: &mut Forward<'_>, activation: Option<RowActivation>) {
        let (simd, sizes) = (context.simd, self.sizes(context.batch));
        let (weight, bias) = context.parameters.split_at(self.weight_length());
        let bias = self.spec.bias.then_some(bias);
        let factors = Factors { left: context.inputs[0], right: weight, bias };
        let (output, scratch) = (&mut *context.output, Scratch(&mut *context.scratch));
        match activation {
            Some(activation) => {
                let operands = ActivatedFactors { factors, activation };
                matmul::matmul_activated(simd, sizes, operands, output, scratch);
            }
            None => matmul::matmul(simd, sizes, factors, output, scratch),
        }
    }

    /// Returns the groups, if there are several.
    fn groups(&self) -> Option<LinearGroups> {
        let (groups, bias) = (self.spec.groups, self.spec.bias);
        let (in_features, out_features) = (self.in_features / groups, self.out_features / groups);
        (groups > 1).then_some(LinearGroups { groups, in_features, out_features, bias })
    }
}

impl Layer for Linear {
    fn kind(&self) -> &'static str {
        LinearSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        Shape::Features(self.out_features)
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let groups = self.spec.groups;
        let (fan_in, fan_out) = (self.in_features / groups, self.out_features / groups);
        let shape = if groups > 1 { vec![groups, fan_in, fan_out] } else { vec![fan_in, fan_out] };
        let mut parameters = vec![ParameterSpec {
            name: "weight",
            shape,
            role: ParameterRole::Weight,
            fan_in,
            fan_out,
            init: Some(self.spec.init),
        }];
        if self.spec.bias {
            let (shape, role, init) = (vec![self.out_features], ParameterRole::Bias, Some(self.spec.bias_init));
            parameters.push(ParameterSpec { name: "bias", shape, role, fan_in, fan_out, init });
        }
        parameters
    }

    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        if let Some(groups) = self.groups() {
            let [forward_scratch, backward_scratch] = groups.scratch(simd, request.batch);
            return Memory { forward_scratch, backward_scratch, backward_reads_input: true, ..Memory::default() };
        }
        let sizes = self.sizes(request.batch);
        Memory {
            forward_scratch: matmul::scratch_length(simd, sizes),
            backward_scratch: backward_scratch(simd, sizes),
            backward_reads_input: true,
            ..Memory::default()
        }
    }

    fn forward(&self, mut context: Forward<'_>) {
        if let Some(groups) = self.groups() {
            return groups.forward(context);
        }
        self.product(&mut context, None);
    }

    fn backward(&self, context: Backward<'_>) {
        if let Some(groups) = self.groups() {
            return groups.backward(context);
        }
        let (batch, in_features, out_features) = (context.batch, self.in_features, self.out_features);
        let (grad_weight, grad_bias) = context.grad_parameters.split_at_mut(self.weight_length());
        let sizes = Sizes { rows: in_features, depth: batch, columns: out_features };
        let mut scratch = Scratch(context.scratch);
        let factors = Factors { left: context.inputs[0], right: context.grad_output, bias: None };
        matmul::transposed_matmul(context.simd, sizes, factors, grad_weight, scratch.reborrow());
        if self.spec.bias {
            column_sums(
                context.simd,
                MatrixColumns { values: context.grad_output, width: out_features, first: 0 },
                grad_bias,
            );
        }
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            let weight = &context.parameters[..self.weight_length()];
            let sizes = Sizes { rows: batch, depth: out_features, columns: in_features };
            let factors = Factors { left: context.grad_output, right: weight, bias: None };
            matmul::matmul_transposed(context.simd, sizes, factors, grad_input, scratch);
        }
    }

    fn describe(&self) -> String {
        let groups = if self.spec.groups > 1 { format!(", {} groups", self.spec.groups) } else { String::new() };
        format!(
            "{} -> {}{groups}{}",
            self.in_features,
            self.out_features,
            if self.spec.bias { "" } else { ", no bias" }
        )
    }

    fn trained(&self, _role: ParameterRole) -> Trained {
        if self.spec.frozen { Trained::Never } else { Trained::Always }
    }

    fn multiply_adds(&self) -> u64 {
        self.weight_length() as u64
    }
}
