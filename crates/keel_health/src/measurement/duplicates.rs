//! Samples of a split that also occur in the training split.

use serde::{Deserialize, Serialize};

/// Duplicates between one split and the training split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitDuplicates {
    /// Name of the split: `validation` or `test`.
    pub split: String,
    /// Number of samples in the split.
    pub samples: u64,
    /// Number of samples whose inputs equal those of a training sample, value by value.
    pub exact: u64,
    /// Number of samples compared for `near`, evenly spaced over the split.
    pub compared: u64,
    /// Number of compared samples that nearly, but not exactly, equal a training sample.
    pub near: u64,
}
