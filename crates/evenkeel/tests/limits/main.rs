//! Limits of the machine and of numbers: values beyond them are refused or handled.
#![cfg(unix)]

mod environment;
mod extreme_configs;
mod extreme_values;
#[path = "../program/mod.rs"]
mod program;
