//! Faults in the evaluation of a split.

use serde::{Deserialize, Serialize};

use super::SuspectLabels;

/// Samples of a split without a result, or with a contradicted label.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationMeasurement {
    /// Name of the split: `train`, `validation` or `test`.
    pub split: String,
    /// Number of samples in the split.
    pub samples: u64,
    /// Number of samples whose inputs, outputs or loss are NaN or infinite.
    pub non_finite: u64,
    /// File, line or number of the first such samples.
    pub first: Vec<String>,
    /// Samples whose label the network contradicts; `None` if not measured.
    pub suspects: Option<SuspectLabels>,
}
