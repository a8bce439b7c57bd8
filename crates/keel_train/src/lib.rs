//! Config, trainer, optimizers, schedules and run store.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod auto;
pub mod check;
pub mod config;
pub mod doctor;
mod error;
pub mod flight_recorder;
pub mod health;
mod loading;
pub mod memory;
pub mod metrics;
mod objective;
pub mod planning;
mod predictor;
pub mod remedies;
pub mod runs;
pub mod schedules;
mod session;
pub mod threads;
mod trainer;

pub use config::Config;
pub use error::TrainError;
pub use keel_optimizers as optimizers;
pub use loading::{ChangedData, RunData, load_data};
pub use objective::{Objective, Probabilities, TargetScale};
pub use planning::{RangePoint, RangeTest};
pub use predictor::{ColumnImportance, Importance, ImportanceOptions, Prediction, Predictor, UnlikeInputs};
pub use session::{FinishedStep, Session, StepObserver, StepPlace, StepResult};
pub use trainer::{
    EpochEvent, EvaluationEvent, Event, MemoryRun, Started, StepEvent, TrainedRun, Training, TrainingObserver,
};
