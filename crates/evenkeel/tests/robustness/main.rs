//! Training runs under disk faults, kills and other processes; damaged files and runs of older versions.

mod changed_data;
mod damaged_data;
#[cfg(debug_assertions)]
mod faults;
mod full_disk;
mod interruption;
mod older_runs;
#[path = "../program/mod.rs"]
mod program;
mod ranks;
mod resuming;
mod terminal;
