//! Statistics of whole runs, compared with the thresholds calibrated on them.

use crate::history::History;
use crate::measurement::ModelDescription;

/// A statistic of a whole run and the threshold it is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Calibration {
    /// Name of the statistic.
    pub name: &'static str,
    /// Threshold of the rule.
    pub threshold: f64,
    /// Side of the threshold with bad values.
    pub bad: Bad,
    /// Measures the statistic at the end of a run; returns `None` if the run does not contain it.
    pub measure: fn(&ModelDescription, &History) -> Option<f64>,
}

/// Side of a threshold with bad values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Values above the threshold.
    Above,
    /// Values below the threshold.
    Below,
}

impl Bad {
    /// Returns the name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// Returns the largest finite value.
pub(crate) fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.filter(|value| value.is_finite()).reduce(f64::max)
}
