//! Global average pooling: the average of each channel over the whole image (Lin, Chen & Yan 2014).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A `global_avg_pool` layer has no keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalAvgPoolSpec {}
