//! Config, trainer, optimisers, schedules and run store.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod auto;
pub mod check;
pub mod config;
mod error;
pub mod flight_recorder;
pub mod health;
mod importance;
pub mod memory;
pub mod metrics;
mod objective;
pub mod optimizers;
mod predictor;
mod range_test;
pub mod remedies;
pub mod runs;
pub mod schedules;
pub mod threads;
mod trainer;
mod views;

pub use config::Config;
pub use error::TrainError;
pub use importance::{ColumnImportance, Importance, ImportanceOptions};
pub use objective::{Objective, Probabilities, TargetScale};
pub use predictor::{Prediction, Predictor};
pub use range_test::{RangePoint, RangeTest};
pub use trainer::{
    EpochEvent, EvaluationEvent, Event, MemoryRun, Session, Started, StepEvent, StepResult, TrainedRun, Trainer,
    TrainingObserver, load_data,
};
