//! Inputs of a trained network compared with its training inputs.

use serde::{Deserialize, Serialize};

/// Samples given to a trained network, compared with the training split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputsMeasurement {
    /// Number of samples given.
    pub samples: u64,
    /// Number of samples with a value far from all values of the training split.
    pub unlike: u64,
    /// Columns with such values, those with the most samples first.
    pub columns: Vec<UnlikeColumn>,
    /// True if the samples are images.
    pub images: bool,
}

/// A column, or a property of images, with values unlike those of the training split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlikeColumn {
    /// Name of the column, or `brightness`.
    pub name: String,
    /// Number of samples with such a value.
    pub samples: u64,
    /// First such sample: file, line or number.
    pub first: String,
    /// Value of that sample.
    pub value: f64,
    /// Smallest and largest value in the training split.
    pub training: (f64, f64),
}
