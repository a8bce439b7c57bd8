//! Every experiment of the lab.

use crate::experiment::ExperimentEntry;
use crate::experiments::{
    activations, batch_norm, batch_norm_inference, constant_init, convergence, dead_relu, gradient_depth,
    initialisation, kaiming_gain, norms, preprocessing, why_preprocess, zigzag,
};

/// All experiments, in the order of the lecture.
pub fn catalog() -> &'static [ExperimentEntry] {
    &CATALOG
}

static CATALOG: [ExperimentEntry; 13] = [
    activations::ENTRY,
    gradient_depth::ENTRY,
    zigzag::ENTRY,
    dead_relu::ENTRY,
    convergence::ENTRY,
    preprocessing::ENTRY,
    why_preprocess::ENTRY,
    constant_init::ENTRY,
    initialisation::ENTRY,
    kaiming_gain::ENTRY,
    batch_norm::ENTRY,
    batch_norm_inference::ENTRY,
    norms::ENTRY,
];
