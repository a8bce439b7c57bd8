//! What a model's predictions are worth.

mod classification;
mod regression;
mod tally;

use serde::{Deserialize, Serialize};

pub(crate) use classification::largest;
pub use classification::{ClassMetrics, ConfusionMatrix};
pub use regression::RegressionMetrics;
pub(crate) use tally::Tally;

/// Metrics of one part of the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean loss.
    pub loss: f64,
    /// Samples.
    pub samples: u64,
    /// Share of samples whose largest output is the right class; classification only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Errors of predicted values; regression only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regression: Option<RegressionMetrics>,
    /// Per class: precision, recall, F1; classification only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassMetrics>,
    /// Counts, `[true class][predicted class]`; classification only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<ConfusionMatrix>,
}
