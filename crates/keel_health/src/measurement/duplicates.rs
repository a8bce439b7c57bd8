//! Samples of a split that are in the training split, too.

use serde::{Deserialize, Serialize};

/// Duplicates between one split and the training split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitDuplicates {
    /// The split: `validation` or `test`.
    pub split: String,
    /// Samples of the split.
    pub samples: u64,
    /// Samples whose inputs equal those of a training sample, value by value.
    pub exact: u64,
    /// Samples that were compared for `near`, evenly spread over the split.
    pub compared: u64,
    /// Samples among those that nearly equal a training sample and do not equal one.
    pub near: u64,
}
