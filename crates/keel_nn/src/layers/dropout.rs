//! Dropout: random values become zero during training, the others are scaled up (Srivastava et al. 2014).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of a `dropout` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoutSpec {
    /// Share of values set to zero: 0 or more, below 1.
    #[serde(default = "half")]
    pub probability: f32,
}

fn half() -> f32 {
    0.5
}

impl Default for DropoutSpec {
    fn default() -> Self {
        DropoutSpec { probability: half() }
    }
}
