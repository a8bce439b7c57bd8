//! Inputs of a trained network compared with its training inputs.

use serde::{Deserialize, Serialize};

/// Samples given to a trained network, compared with the training split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputsMeasurement {
    /// Samples given.
    pub samples: u64,
    /// Samples with a value far from every value of the training split.
    pub unlike: u64,
    /// Columns with such values, those with most samples first.
    pub columns: Vec<UnlikeColumn>,
    /// The samples are images.
    pub images: bool,
}

/// A column, or a property of images, with values unlike those of the training split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlikeColumn {
    /// Name of the column, or `brightness`.
    pub name: String,
    /// Samples with such a value.
    pub samples: u64,
    /// The first of them: file, line or number.
    pub first: String,
    /// Its value.
    pub value: f64,
    /// Smallest and largest value of the training split.
    pub training: (f64, f64),
}
