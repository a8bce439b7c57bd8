//! ONNX: the exchange format of networks.
//!
//! [`export`] writes a trained model as one graph, from raw samples to labels and probabilities; [`Evaluator`] computes such
//! graphs, and [`verify`] compares both.

pub mod evaluate;
pub mod export;
mod file;
pub mod import;
pub mod schema;
mod tensor;
pub mod verify;

pub use evaluate::Evaluator;
pub use file::{check_subset, decode, encode, read, write};
pub use tensor::{Data, Tensor};
