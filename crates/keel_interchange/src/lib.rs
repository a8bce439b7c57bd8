//! Models and measurements in the formats of other programs: ONNX, TensorBoard, and the names and layouts of PyTorch.
//!
//! [`onnx`] writes a trained model with its preprocessing and labels as one graph, computes such graphs, and reads networks
//! of the operations Evenkeel has.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod error;
pub mod onnx;
pub mod tensorboard;
pub mod torch;

pub use error::InterchangeError;
