//! Does every unit still pass gradient?

pub(crate) mod activation_advice;
pub(crate) mod activations;
pub(crate) mod convergence;
pub(crate) mod dead_relu;
pub(crate) mod gradient_depth;
pub(crate) mod zigzag;
