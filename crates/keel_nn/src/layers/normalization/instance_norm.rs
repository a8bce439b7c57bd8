//! Instance normalisation: each channel of each image normalised over its positions (Ulyanov et al. 2016).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sample_norm::SampleNorm;
use crate::Shape;
use crate::layers::BuildError;

/// Keys of an `instance_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceNormSpec {
    /// Added to the variance before its square root is taken.
    #[serde(default = "hundred_thousandth")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f32,
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
    /// The layer for one input shape.
    ///
    /// # Errors
    /// If the input is no image, has one position only or epsilon is not above 0.
    pub fn build(&self, input: Shape) -> Result<SampleNorm, BuildError> {
        if let Shape::Features(features) = input {
            return Err(BuildError::WantsImage { kind: "instance_norm", features });
        }
        SampleNorm::build("instance_norm", input, input.channels(), self.epsilon)
    }
}
