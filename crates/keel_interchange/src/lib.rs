//! Models and measurements in the formats of other programs: ONNX, TensorBoard, and PyTorch weights.
//!
//! [`onnx`] exports a trained model with its preprocessing and labels as one graph, evaluates such graphs, and imports
//! networks made of operations that Evenkeel supports.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod error;
mod format_check;
pub mod onnx;
pub mod tensorboard;
pub mod torch;

pub use error::InterchangeError;
pub use format_check::check_format;
