//! What may go wrong around a training: faults of the disk, kills, other processes, damaged files, older runs.

mod damaged_data;
mod faults;
mod full_disk;
mod interruption;
mod older_runs;
#[path = "../program/mod.rs"]
mod program;
mod resuming;
mod terminal;
