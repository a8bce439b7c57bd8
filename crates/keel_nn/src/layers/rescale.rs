//! Rescale: multiplies every value by a fixed factor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::graph::Op;
use crate::{Backward, Forward, Layer, Shape};

/// Keys of a `rescale` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RescaleSpec {
    /// Factor of every value; not 0.
    pub factor: f32,
}

impl RescaleSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "rescale",
        summary: "multiplies every value by a fixed factor; a factor below 1 after the last layer softens the class probabilities",
        keys: &[("factor", "number, not 0; required")],
    };
}

impl LayerDefinition for RescaleSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Rescale(self.build(input)?))
    }
}

impl RescaleSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is empty, or the factor is 0 or not finite.
    pub fn build(&self, input: Shape) -> Result<Rescale, BuildError> {
        let (kind, value) = (Self::ENTRY.name, self.factor);
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind, input });
        }
        if value == 0.0 || !value.is_finite() {
            let (key, allowed) = ("factor", "finite and not 0");
            return Err(BuildError::OutOfRange { kind, key, value, allowed });
        }
        Ok(Rescale { shape: input, factor: value })
    }
}

/// `y = factor * x`, in training and evaluation. After the last linear layer, a factor below 1 reduces the initial logits and the
/// gradient of that layer.
#[derive(Clone, Copy, Debug)]
pub struct Rescale {
    shape: Shape,
    factor: f32,
}

impl Rescale {
    /// Returns the factor of every value.
    pub fn factor(&self) -> f32 {
        self.factor
    }

    /// Writes `factor * values` to `target`.
    fn apply(&self, values: &[f32], target: &mut [f32]) {
        assert_eq!(values.len(), target.len(), "as many results as values");
        target.iter_mut().zip(values).for_each(|(target, value)| *target = self.factor * value);
    }
}

impl Layer for Rescale {
    fn kind(&self) -> &'static str {
        RescaleSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, context: Forward<'_>) {
        self.apply(context.inputs[0], context.output);
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            self.apply(context.grad_output, grad_input);
        }
    }

    fn describe(&self) -> String {
        format!("factor {}", self.factor)
    }
}
