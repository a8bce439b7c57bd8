//! Limits of the machine and of numbers: what lies beyond them is refused or survived.
#![cfg(unix)]

mod environment;
mod extreme_configs;
mod extreme_values;
#[path = "../program/mod.rs"]
mod program;
