//! Weight initialisers: the catalog and how a config file names them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An initialiser as a config file gives it: its name, or a table with its own settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum InitSpec {
    /// Chosen by the activation that follows.
    Auto,
    /// All zeros.
    Zeros,
    /// Every value the same.
    Constant {
        /// That value.
        value: f32,
    },
}
