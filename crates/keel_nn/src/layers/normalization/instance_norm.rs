//! Instance normalisation: each channel of each image is normalised over its positions (Ulyanov et al. 2016).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sample_norm::SampleNorm;
use crate::Shape;
use crate::graph::Op;
use crate::layers::BuildError;
use crate::layers::catalog::{EPSILON, LayerDefinition, LayerEntry};

/// Keys of an `instance_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceNormSpec {
    /// Added to the variance before the square root.
    #[serde(default = "hundred_thousandth")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f32,
}

impl InstanceNormSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "instance_norm",
        summary: "each channel of each sample normalised over its positions",
        keys: &[EPSILON],
    };
}

impl LayerDefinition for InstanceNormSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::InstanceNorm(self.build(input)?))
    }
}

fn hundred_thousandth() -> f32 {
    1e-5
}

impl Default for InstanceNormSpec {
    fn default() -> Self {
        InstanceNormSpec { epsilon: hundred_thousandth() }
    }
}

impl InstanceNormSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is not an image, has one position only or epsilon is not positive.
    pub fn build(&self, input: Shape) -> Result<SampleNorm, BuildError> {
        if let Shape::Features(features) = input {
            return Err(BuildError::WantsImage { kind: Self::ENTRY.name, features });
        }
        SampleNorm::build(Self::ENTRY.name, input, input.channels(), self.epsilon)
    }
}
