//! Maxout: the maximum of several linear maps (Goodfellow et al. 2013).

use keel_kernels::matmul::{self, Factors, Sizes};
use keel_kernels::{MatrixColumns, Scratch, column_sums};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backward_scratch;
use crate::graph::Op;
use crate::init::InitSpec;
use crate::layers::BuildError;
use crate::layers::catalog::{BIAS_INIT, FROZEN, INIT, LayerDefinition, LayerEntry};
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, ParameterRole, ParameterSpec, Shape, SimdLevel, Trained};

/// Keys of a `maxout` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxoutSpec {
    /// Number of outputs.
    #[schemars(range(min = 1))]
    pub out_features: usize,
    /// Number of linear maps per output.
    #[serde(default = "two")]
    #[schemars(range(min = 1))]
    pub pieces: usize,
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

impl MaxoutSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "maxout",
        summary: "maximum of several linear maps",
        keys: &[("out_features", "number; required"), ("pieces", "linear maps per output; 2"), INIT, BIAS_INIT, FROZEN],
    };
}

impl LayerDefinition for MaxoutSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Maxout(self.build(input)?))
    }
}

fn two() -> usize {
    2
}

impl MaxoutSpec {
    /// Creates a layer with `out_features` outputs, each the maximum of two linear maps.
    pub fn new(out_features: usize) -> Self {
        MaxoutSpec { out_features, pieces: two(), init: InitSpec::Auto, bias_init: InitSpec::Zeros, frozen: false }
    }
}

impl MaxoutSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is an image or empty, or a size is 0.
    pub fn build(&self, input: Shape) -> Result<Maxout, BuildError> {
        let kind = Self::ENTRY.name;
        let Shape::Features(in_features) = input else { return Err(BuildError::WantsFeatures { kind, input }) };
        if in_features == 0 {
            return Err(BuildError::EmptyInput { kind, input });
        }
        let sizes = [("out_features", self.out_features), ("pieces", self.pieces)];
        if let Some((key, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(BuildError::Zero { kind, key });
        }
        Ok(Maxout { in_features, out_features: self.out_features, pieces: self.pieces, spec: self.clone() })
    }
}

/// `y_u = max over pieces p of (x W + b)` at column `p * out_features + u`; W `[in_features, pieces * out_features]`, b
/// `[pieces * out_features]`. Among equal pieces, the first receives the gradient.
#[derive(Clone, Debug)]
pub struct Maxout {
    in_features: usize,
    out_features: usize,
    pieces: usize,
    spec: MaxoutSpec,
}

impl Maxout {
    /// Returns the number of inputs.
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Returns the number of outputs.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// Returns the number of linear maps.
    pub fn pieces(&self) -> usize {
        self.pieces
    }

    /// Returns the number of columns of the weight: outputs of all linear maps.
    pub fn columns(&self) -> usize {
        self.pieces * self.out_features
    }
}

impl Layer for Maxout {
    fn kind(&self) -> &'static str {
        MaxoutSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        Shape::Features(self.out_features)
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let (fan_in, fan_out, columns) = (self.in_features, self.out_features, self.columns());
        let (weight, bias) = (ParameterRole::Weight, ParameterRole::Bias);
        let (init, bias_init) = (Some(self.spec.init), Some(self.spec.bias_init));
        vec![
            ParameterSpec { name: "weight", shape: vec![fan_in, columns], role: weight, fan_in, fan_out, init },
            ParameterSpec { name: "bias", shape: vec![columns], role: bias, fan_in, fan_out, init: bias_init },
        ]
    }

    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        let sizes = Sizes { rows: request.batch, depth: self.in_features, columns: self.columns() };
        let Sizes { rows, columns, .. } = sizes;
        Memory {
            saved: rows * self.out_features,
            forward_scratch: rows * columns + matmul::scratch_length(simd, sizes),
            backward_scratch: rows * columns + backward_scratch(simd, sizes),
            backward_reads_input: true,
            ..Memory::default()
        }
    }

    fn forward(&self, context: Forward<'_>) {
        let sizes = Sizes { rows: context.batch, depth: self.in_features, columns: self.columns() };
        let (weight, bias) = context.parameters.split_at(self.in_features * self.columns());
        let (linear, scratch) = Scratch(context.scratch).take(context.batch * self.columns());
        let factors = Factors { left: context.inputs[0], right: weight, bias: Some(bias) };
        matmul::matmul(context.simd, sizes, factors, linear, scratch);
        let rows = context.output.chunks_exact_mut(self.out_features).zip(linear.chunks_exact(self.columns()));
        for ((output, linear), winners) in rows.zip(context.saved.chunks_exact_mut(self.out_features)) {
            output.copy_from_slice(&linear[..self.out_features]);
            winners.fill(0.0);
            for (piece, values) in linear.chunks_exact(self.out_features).enumerate().skip(1) {
                for unit in 0..self.out_features {
                    if values[unit] > output[unit] || values[unit].is_nan() {
                        (output[unit], winners[unit]) = (values[unit], piece as f32);
                    }
                }
            }
        }
    }

    fn backward(&self, context: Backward<'_>) {
        let (batch, depth, columns) = (context.batch, self.in_features, self.columns());
        let (grad_linear, mut scratch) = Scratch(context.scratch).take(batch * columns);
        grad_linear.fill(0.0);
        let (grad_weight, grad_bias) = context.grad_parameters.split_at_mut(depth * columns);
        let rows = grad_linear.chunks_exact_mut(columns).zip(context.grad_output.chunks_exact(self.out_features));
        for ((grad_linear, gradient), winners) in rows.zip(context.saved.chunks_exact(self.out_features)) {
            for unit in 0..self.out_features {
                let column = winners[unit] as usize * self.out_features + unit;
                grad_linear[column] = gradient[unit];
            }
        }
        column_sums(context.simd, MatrixColumns { values: grad_linear, width: columns, first: 0 }, grad_bias);
        let sizes = Sizes { rows: depth, depth: batch, columns };
        let factors = Factors { left: context.inputs[0], right: grad_linear, bias: None };
        matmul::transposed_matmul(context.simd, sizes, factors, grad_weight, scratch.reborrow());
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            let sizes = Sizes { rows: batch, depth: columns, columns: depth };
            let weight = &context.parameters[..depth * columns];
            let factors = Factors { left: grad_linear, right: weight, bias: None };
            matmul::matmul_transposed(context.simd, sizes, factors, grad_input, scratch);
        }
    }

    fn describe(&self) -> String {
        format!("{} -> {}, {} pieces", self.in_features, self.out_features, self.pieces)
    }

    fn trained(&self, _role: ParameterRole) -> Trained {
        if self.spec.frozen { Trained::Never } else { Trained::Always }
    }

    fn multiply_adds(&self) -> u64 {
        (self.in_features * self.columns()) as u64
    }
}
