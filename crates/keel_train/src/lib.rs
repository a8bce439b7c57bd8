//! Config, trainer, optimisers, schedules and run store.
#![forbid(unsafe_code)]
