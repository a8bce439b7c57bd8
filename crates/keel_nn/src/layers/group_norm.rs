//! Group normalisation: each sample normalised over groups of its channels (Wu & He 2018).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of a `group_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupNormSpec {
    /// Groups of neighbouring channels, each with its own statistics; divides the number of channels.
    pub groups: usize,
    /// Added to the variance before its square root is taken.
    #[serde(default = "hundred_thousandth")]
    pub epsilon: f32,
}

fn hundred_thousandth() -> f32 {
    1e-5
}

impl GroupNormSpec {
    /// So many groups and the default epsilon.
    pub fn new(groups: usize) -> Self {
        GroupNormSpec { groups, epsilon: hundred_thousandth() }
    }
}
