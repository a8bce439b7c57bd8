//! The same learning rate throughout.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The same learning rate throughout.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantConfig {
    /// Steps over which the learning rate first rises from near zero.
    pub warmup_steps: u64,
}
