//! ONNX, the exchange format of networks: messages of its files, computation of its graphs, and networks read from them.
//!
//! [`decode`] reads a file's bytes with limits, [`Evaluator`] computes a graph with plain loops, and [`import`](import::import)
//! turns the nodes of a network into layers with weights.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod error;
pub mod evaluate;
mod format;
pub mod import;
pub mod metadata;
pub mod schema;
mod tensor;

pub use error::OnnxError;
pub use evaluate::Evaluator;
pub use format::{check_subset, decode, encode};
pub use tensor::{Data, Tensor};
