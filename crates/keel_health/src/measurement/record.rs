//! One line of a measurement file.

use serde::{Deserialize, Serialize};

use super::{DataMeasurement, EpochMeasurement, ModelDescription, StartMeasurement, StepMeasurement};

/// One record of a run; the JSON field `type` selects the variant: `model`, `data`, `start`, `step` or `epoch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// Graph and settings; the first record.
    Model(ModelDescription),
    /// Training split after preprocessing.
    Data(Box<DataMeasurement>),
    /// State before the first update.
    Start(StartMeasurement),
    /// One training step.
    Step(StepMeasurement),
    /// End of an epoch.
    Epoch(EpochMeasurement),
}
