//! Instance normalisation: each channel of each image normalised over its positions (Ulyanov et al. 2016).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of an `instance_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceNormSpec {
    /// Added to the variance before its square root is taken.
    #[serde(default = "hundred_thousandth")]
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
