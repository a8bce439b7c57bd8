//! The rules, one file each. The doc comment of a rule's file is its explanation.
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
pub mod non_finite;
pub mod output_loss;
pub mod overfitting;
pub mod regularization;
pub mod saturation;
pub mod signal;
pub mod start_loss;
pub mod symmetry;
pub mod tiny_batch;
pub mod update_ratio;
pub mod vanishing_gradient;
pub mod zigzag;
