//! Layer normalisation: each sample is normalised over all its values (Ba, Kiros & Hinton 2016).
//!
//! A vector is normalised over its features, an image over rows, columns and channels together. Scale and shift are
//! learned per feature of a vector and per channel of an image, so that they do not depend on the image's size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sample_norm::SampleNorm;
use crate::Shape;
use crate::graph::Op;
use crate::layers::BuildError;
use crate::layers::catalog::{EPSILON, LayerDefinition, LayerEntry};

/// Keys of a `layer_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerNormSpec {
    /// Added to the variance before the square root.
    #[serde(default = "hundred_thousandth")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f32,
}

impl LayerNormSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry =
        LayerEntry { name: "layer_norm", summary: "each sample normalised over all its values", keys: &[EPSILON] };
}

impl LayerDefinition for LayerNormSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::LayerNorm(self.build(input)?))
    }
}

fn hundred_thousandth() -> f32 {
    1e-5
}

impl Default for LayerNormSpec {
    fn default() -> Self {
        LayerNormSpec { epsilon: hundred_thousandth() }
    }
}

impl LayerNormSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input has fewer than two values or epsilon is not positive.
    pub fn build(&self, input: Shape) -> Result<SampleNorm, BuildError> {
        SampleNorm::build(Self::ENTRY.name, input, 1, self.epsilon)
    }
}
