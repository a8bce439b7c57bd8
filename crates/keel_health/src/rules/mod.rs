//! The rules, one file each, and their catalog. A rule's file states everything about it, and its doc comment is its
//! explanation.
//!
//! Every rule is a pure function from a [`crate::Case`] to the [`crate::Observation`]s beyond their limits. A rule looks only at the
//! moments that concern it, and is silent about everything that was not measured. Comparisons are written so that a
//! NaN never passes for a healthy number.

pub mod batch_norm;
pub mod dead_relu;
pub mod exploding_gradient;
pub mod frozen;
pub mod inputs;
pub mod labels;
pub mod loss_trend;
pub mod missing_activation;
pub mod non_finite;
pub mod output_loss;
pub mod overfitting;
pub mod regularization;
pub mod saturation;
pub mod signal;
pub mod start_loss;
pub mod stopped_early;
pub mod symmetry;
pub mod tiny_batch;
pub mod too_small;
pub mod update_ratio;
pub mod vanishing_gradient;
pub mod zigzag;

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
    too_small::RULE,
];
