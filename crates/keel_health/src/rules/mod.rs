//! The rules, one per file, and their catalog. A rule's file defines everything about it, and its doc comment is its
//! explanation.
//!
//! Every rule is a pure function from a [`crate::Case`] to the [`crate::Observation`]s beyond their limits. A rule only
//! acts at relevant moments, and reports nothing about values that were not measured. Comparisons are written so that a
//! NaN never passes for a healthy number.

pub mod batch_norm;
mod data;
pub mod dead_relu;
pub mod exploding_gradient;
pub mod inputs;
pub mod labels;
pub mod missing_activation;
pub mod non_finite;
pub mod output_loss;
pub mod regularization;
mod results;
pub mod saturation;
pub mod signal;
pub mod start_loss;
pub mod symmetry;
pub mod tiny_batch;
mod training_loop;
pub mod update_ratio;
pub mod vanishing_gradient;
pub mod zigzag;

pub use data::{augmentation, duplicates, outliers, suspect_labels, telling_columns, unlike_inputs};
pub use results::{loss_trend, overfitting, stopped_early, too_small};
pub use training_loop::{
    frozen, one_class_batches, uncleared_gradients, unequal_ranks, unoptimised_parameters, wrong_mode,
};

use crate::rule::Rule;

/// All rules, in the order of their codes.
pub(crate) static CATALOG: &[Rule] = &[
    non_finite::RULE,
    inputs::RULE,
    labels::RULE,
    start_loss::RULE,
    signal::RULE,
    symmetry::RULE,
    tiny_batch::RULE,
    output_loss::RULE,
    saturation::RULE,
    dead_relu::RULE,
    vanishing_gradient::RULE,
    exploding_gradient::RULE,
    update_ratio::RULE,
    zigzag::RULE,
    batch_norm::RULE,
    frozen::RULE,
    loss_trend::RULE,
    overfitting::RULE,
    regularization::RULE,
    missing_activation::RULE,
    stopped_early::RULE,
    duplicates::RULE,
    telling_columns::RULE,
    suspect_labels::RULE,
    outliers::RULE,
    unlike_inputs::RULE,
    augmentation::RULE,
    uncleared_gradients::RULE,
    unoptimised_parameters::RULE,
    wrong_mode::RULE,
    one_class_batches::RULE,
    too_small::RULE,
    unequal_ranks::RULE,
];
