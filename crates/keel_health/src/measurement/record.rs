//! One line of a measurement file.

use serde::{Deserialize, Serialize};

use super::{DataMeasurement, EpochMeasurement, ModelDescription, StartMeasurement, StepMeasurement};

/// One record of a run; in JSON the field `type` says which: `model`, `data`, `start`, `step` or `epoch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The graph and its settings; the first record.
    Model(ModelDescription),
    /// The training split after preprocessing.
    Data(DataMeasurement),
    /// The state before the first update.
    Start(StartMeasurement),
    /// One training step.
    Step(StepMeasurement),
    /// The end of an epoch.
    Epoch(EpochMeasurement),
}
