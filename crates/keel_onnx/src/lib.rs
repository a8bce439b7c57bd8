//! ONNX, the exchange format for networks: messages of its files, evaluation of graphs, and import of networks.
//!
//! [`decode`] reads a file's bytes with limits, [`Evaluator`] evaluates a graph with plain loops, and
//! [`import`](import::import) turns the nodes of a network into layers with weights. [`foreign`] recognises files that have to be
//! converted to ONNX first.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod error;
pub mod evaluate;
pub mod foreign;
mod format;
pub mod import;
pub mod metadata;
pub mod schema;
mod tensor;

pub use error::OnnxError;
pub use evaluate::Evaluator;
pub use format::{check_subset, decode, encode};
pub use tensor::{Data, Tensor};
