//! Magnitude of the inputs with and without augmentation.

use serde::{Deserialize, Serialize};

use super::null_is_nan;

/// Root mean square of the same preprocessed training samples without and with augmentation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentationMeasurement {
    /// Number of samples measured.
    pub samples: u64,
    /// Root mean square of their values without augmentation.
    #[serde(deserialize_with = "null_is_nan")]
    pub plain_rms: f32,
    /// Root mean square of their values with augmentation.
    #[serde(deserialize_with = "null_is_nan")]
    pub augmented_rms: f32,
    /// Largest magnitude of a value with augmentation.
    #[serde(deserialize_with = "null_is_nan")]
    pub largest: f32,
    /// Key of the augmentation that moves images, such as `crop_padding`; empty if there is none.
    pub moving_key: String,
}
