//! Flatten: an image becomes a vector, in memory order (row, column, channel).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A `flatten` layer has no keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlattenSpec {}
