//! State of a schedule that reacts to the validation loss.

use serde::{Deserialize, Serialize};

/// State kept between epochs; part of every checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Current fraction of the learning rate.
    pub factor: f64,
    /// Lowest loss so far.
    pub best: Option<f64>,
    /// Number of epochs since then.
    pub waited: u64,
}

impl Default for PlateauState {
    fn default() -> Self {
        PlateauState { factor: 1.0, best: None, waited: 0 }
    }
}
