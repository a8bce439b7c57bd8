//! Every experiment of the lab.

use crate::experiment::ExperimentEntry;
use crate::experiments::{
    activations, dead_relu, gradient_depth, initialisation, preprocessing, why_preprocess, zigzag,
};

/// All experiments, in the order of the lecture.
pub fn catalog() -> &'static [ExperimentEntry] {
    &CATALOG
}

static CATALOG: [ExperimentEntry; 7] = [
    activations::ENTRY,
    gradient_depth::ENTRY,
    zigzag::ENTRY,
    dead_relu::ENTRY,
    preprocessing::ENTRY,
    why_preprocess::ENTRY,
    initialisation::ENTRY,
];
