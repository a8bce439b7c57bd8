//! Score of one column of a table as the only predictor of the target.

use serde::{Deserialize, Serialize};

use super::null_is_nan;

/// Score of a prediction from one column alone, on rows of the training split that the predictor did not see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnScore {
    /// Name of the column.
    pub name: String,
    /// Share of the error of a constant guess that the prediction avoids: 1 is perfect, 0 a guess. R2 for values.
    #[serde(deserialize_with = "null_is_nan")]
    pub score: f32,
}
