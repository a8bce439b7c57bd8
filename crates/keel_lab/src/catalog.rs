//! Every experiment of the lab.

use crate::experiment::ExperimentEntry;
use crate::experiments::initialisation;

/// All experiments, in the order of the lecture.
pub fn catalog() -> &'static [ExperimentEntry] {
    &CATALOG
}

static CATALOG: [ExperimentEntry; 1] = [initialisation::ENTRY];
