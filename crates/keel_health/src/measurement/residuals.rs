//! Errors of a trained network on neighbouring samples.

use serde::{Deserialize, Serialize};

/// Agreement of the errors of a trained network on samples whose inputs are neighbours. Noise differs between neighbours; a part
/// of the function that the network lacks does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualMeasurement {
    /// Number of training samples compared.
    pub samples: u64,
    /// Correlation of the error of a sample with that of its nearest neighbour: 0 for noise, 1 for equal errors.
    pub agreement: f32,
}
