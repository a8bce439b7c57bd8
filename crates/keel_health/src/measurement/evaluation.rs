//! Faults in the evaluation of a split.

use serde::{Deserialize, Serialize};

use super::SuspectLabels;

/// Samples of a split that have no result, or whose label is contradicted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationMeasurement {
    /// The split: `train`, `validation` or `test`.
    pub split: String,
    /// Samples of the split.
    pub samples: u64,
    /// Samples whose inputs, outputs or loss are NaN or infinite.
    pub non_finite: u64,
    /// File, line or number of the first of them.
    pub first: Vec<String>,
    /// Samples whose label the network contradicts; `None` where that was not measured.
    pub suspects: Option<SuspectLabels>,
}
