//! Features whose variance comes mostly from a few samples.

use serde::{Deserialize, Serialize};

use super::null_is_nan;

/// The most extreme samples of one preprocessed feature, and its variance with and without them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureOutliers {
    /// Index of the feature.
    pub feature: usize,
    /// Number of samples measured.
    pub samples: u64,
    /// Number of extreme samples, at most 0.5 %.
    pub extreme: u64,
    /// Share of the variance that disappears without them.
    #[serde(deserialize_with = "null_is_nan")]
    pub variance_share: f32,
    /// Standard deviation of the other samples.
    #[serde(deserialize_with = "null_is_nan")]
    pub rest_std: f32,
}
