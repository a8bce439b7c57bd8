//! The experiments, one a file; the pages of the longer ones are in files of their own.

pub(crate) mod activations;
pub(crate) mod batch_norm;
pub(crate) mod batch_norm_inference;
mod batch_norm_inference_page;
mod batch_norm_page;
pub(crate) mod constant_init;
pub(crate) mod convergence;
pub(crate) mod dead_relu;
pub(crate) mod gradient_depth;
pub(crate) mod initialisation;
mod initialisation_page;
pub(crate) mod kaiming_gain;
pub(crate) mod norms;
pub(crate) mod preprocessing;
pub(crate) mod why_preprocess;
pub(crate) mod zigzag;
mod zigzag_page;
