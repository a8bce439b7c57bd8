//! Health of a training run: measurements of a session for the rules of [`keel_health`].
//!
//! Each measurement is a separate function that can be used without a training loop: [`describe_model`], [`measure_data`],
//! [`measure_start`], [`StepProbe`] with [`measure_parameters`] for a step, [`measure_epoch`]. [`Watch`] calls them during a
//! training run and owns the [`keel_health::Monitor`].
//!
//! Measuring never changes a training run: it draws none of the random numbers of a step and restores every running statistic that
//! it changes, so that weights are the same bits at every level.

mod data;
mod describe;
mod epoch;
mod identical_units;
mod inspection;
mod parameters;
mod residuals;
mod rows;
mod start;
mod step_probe;
mod watch;

pub use data::{guessing_loss, measure_data};
pub use describe::describe_model;
pub use epoch::{EpochLosses, measure_epoch};
pub use parameters::{DecayTerm, measure_parameters};
pub use residuals::measure_residuals;
pub use rows::layer_records;
pub use start::{START_SAMPLES, measure_start};
pub use step_probe::{StepProbe, Thoroughness};
pub use watch::{News, Watch};
