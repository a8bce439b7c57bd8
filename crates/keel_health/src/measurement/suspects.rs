//! Training samples whose label a trained network contradicts.

use serde::{Deserialize, Serialize};

use super::null_is_nan;

/// Samples whose label a trained network contradicts with confidence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SuspectLabels {
    /// Share of samples that the network classifies as labelled.
    pub accuracy: f32,
    /// Number of samples found.
    pub count: u64,
    /// The most certain ones.
    pub first: Vec<SuspectLabel>,
}

/// A sample whose label a trained network contradicts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspectLabel {
    /// File, line or number of the sample.
    pub sample: String,
    /// Class it is labelled as.
    pub given: String,
    /// Class predicted by the network.
    pub suggested: String,
    /// Probability of the suggested class.
    #[serde(deserialize_with = "null_is_nan")]
    pub probability: f32,
}
