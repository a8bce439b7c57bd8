//! All exhibits of the lab, one per file.

mod batch_norm_bench;
mod break_and_repair;
mod derivation;
mod desk;
mod gate;
mod initialisation_bench;
mod kill_relu;
mod neighbours;
mod playground;
mod turn_line;
mod zigzag_path;

pub use desk::{Answer, Desk};

use crate::error::{LabError, nearest};
use crate::exhibit::ExhibitEntry;

/// Returns all exhibits, in the order of the lecture.
pub fn exhibits() -> &'static [ExhibitEntry] {
    &EXHIBITS
}

static EXHIBITS: [ExhibitEntry; 10] = [
    gate::ENTRY,
    zigzag_path::ENTRY,
    kill_relu::ENTRY,
    turn_line::ENTRY,
    initialisation_bench::ENTRY,
    derivation::ENTRY,
    batch_norm_bench::ENTRY,
    neighbours::ENTRY,
    playground::ENTRY,
    break_and_repair::ENTRY,
];

/// Returns the exhibit with this name.
///
/// # Errors
/// Fails if there is none; the error names the most similar one.
pub fn find_exhibit(name: &str) -> Result<&'static ExhibitEntry, LabError> {
    exhibits().iter().find(|entry| entry.name == name).ok_or_else(|| LabError::UnknownExhibit {
        name: name.to_owned(),
        nearest: nearest(name, exhibits().iter().map(|entry| entry.name)),
        known: exhibits().iter().map(|entry| entry.name).collect(),
    })
}
