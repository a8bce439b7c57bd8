//! Config, trainer, optimisers, schedules and run store.
#![forbid(unsafe_code)]

pub mod config;
mod error;
pub mod metrics;
pub mod optimizers;
pub mod runs;
pub mod schedules;
pub mod threads;

pub use config::Config;
pub use error::TrainError;
