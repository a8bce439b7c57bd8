//! Layer normalisation: each sample normalised over all its values (Ba, Kiros & Hinton 2016).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of a `layer_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerNormSpec {
    /// Added to the variance before its square root is taken.
    #[serde(default = "hundred_thousandth")]
    pub epsilon: f32,
}

fn hundred_thousandth() -> f32 {
    1e-5
}

impl Default for LayerNormSpec {
    fn default() -> Self {
        LayerNormSpec { epsilon: hundred_thousandth() }
    }
}
