//! Maxout: the largest of several linear maps (Goodfellow et al. 2013).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of a `maxout` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxoutSpec {
    /// Length of the output.
    pub out_features: usize,
    /// Linear maps each output is the largest of.
    #[serde(default = "two")]
    pub pieces: usize,
}

fn two() -> usize {
    2
}

impl MaxoutSpec {
    /// So many outputs, each the larger of two linear maps.
    pub fn new(out_features: usize) -> Self {
        MaxoutSpec { out_features, pieces: two() }
    }
}
