//! Does every unit still pass gradient?

pub(crate) mod activation_advice;
pub(crate) mod activations;
pub(crate) mod convergence;
pub(crate) mod dead_relu;
mod dead_relu_page;
pub(crate) mod gradient_depth;
pub(crate) mod zigzag;
mod zigzag_page;
