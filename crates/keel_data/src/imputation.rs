//! Replacement of missing cells of a table, as named in the config.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Replacement for a missing cell of a table; fitted on the training split only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Imputation {
    /// The mean of the feature over the training split.
    #[default]
    Mean,
    /// The median of the feature over the training split.
    Median,
    /// No replacement: a missing cell is an error.
    Error,
}
