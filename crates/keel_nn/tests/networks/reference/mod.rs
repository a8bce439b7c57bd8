//! The f64 reference against PyTorch and against finite differences, and the layers and losses against the reference.

mod branches;
mod comparison;
mod differences;
mod golden;
mod graphs;
mod layers;
mod losses;
mod operation;

pub(crate) use comparison::{assert_close, widened};
