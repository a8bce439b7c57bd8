//! The f64 reference against PyTorch and against differences, and the layers and losses against the reference.

mod branches;
mod comparison;
mod differences;
mod golden;
mod graphs;
mod layers;
mod losses;
mod operation;
#[path = "../single_layer/mod.rs"]
mod single_layer;

pub(crate) use comparison::{assert_close, widened};
