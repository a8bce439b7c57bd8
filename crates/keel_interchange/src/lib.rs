//! Models and measurements in the formats of other programs: ONNX, TensorBoard, and the names and layouts of PyTorch.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod torch;
