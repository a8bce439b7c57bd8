//! Config, trainer, optimisers, schedules and run store.
#![forbid(unsafe_code)]

pub mod optimizers;
pub mod schedules;
