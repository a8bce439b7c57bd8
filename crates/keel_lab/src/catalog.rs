//! Catalog of all experiments.

use crate::experiment::ExperimentEntry;
use crate::experiments::activation_functions::{
    activation_advice, activations, convergence, dead_relu, gradient_depth, zigzag,
};
use crate::experiments::batch_normalisation::{
    batch_norm, batch_norm_backward, batch_norm_folding, batch_norm_inference, norm_placement, norms,
};
use crate::experiments::data_preprocessing::{image_recipes, preprocessing, why_preprocess};
use crate::experiments::summary::recipe_ablation;
use crate::experiments::weight_initialisation::{constant_init, deep_training, initialisation, kaiming_gain, xavier};

/// Returns all experiments, in the order of the lecture.
pub fn catalog() -> &'static [ExperimentEntry] {
    &CATALOG
}

static CATALOG: [ExperimentEntry; 21] = [
    activations::ENTRY,
    gradient_depth::ENTRY,
    zigzag::ENTRY,
    dead_relu::ENTRY,
    convergence::ENTRY,
    activation_advice::ENTRY,
    preprocessing::ENTRY,
    why_preprocess::ENTRY,
    image_recipes::ENTRY,
    constant_init::ENTRY,
    initialisation::ENTRY,
    xavier::ENTRY,
    kaiming_gain::ENTRY,
    deep_training::ENTRY,
    batch_norm::ENTRY,
    batch_norm_backward::ENTRY,
    batch_norm_inference::ENTRY,
    batch_norm_folding::ENTRY,
    norm_placement::ENTRY,
    norms::ENTRY,
    recipe_ablation::ENTRY,
];
