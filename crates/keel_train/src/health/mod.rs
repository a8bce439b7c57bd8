//! Health of a training: what the rules of [`keel_health`] are told about a session, and when.
//!
//! Each measurement is a function of its own, usable without a training loop: [`describe_model`], [`measure_data`],
//! [`measure_start`], [`StepProbe`] with [`measure_parameters`] for a step, [`measure_epoch`]. [`Watch`] calls them in
//! turn during a training and keeps the [`keel_health::Monitor`].
//!
//! Measuring never changes a training: it draws no random number of a step and puts back every running statistic it
//! moves, so weights are the same bits at every level.

mod data;
mod describe;
mod epoch;
mod identical_units;
mod inspection;
mod parameters;
mod rows;
mod start;
mod step_probe;
mod watch;

pub use data::{guessing_loss, measure_data};
pub use describe::describe_model;
pub use epoch::{EpochLosses, measure_epoch};
pub use parameters::{DecayTerm, measure_parameters};
pub use rows::layer_records;
pub use start::{START_SAMPLES, measure_start};
pub use step_probe::{StepProbe, Thoroughness};
pub use watch::{News, Watch};
