//! Conversion between trained models and ONNX files.
//!
//! [`export`] writes a trained model as one graph, from raw samples to labels and probabilities; [`verify`] compares
//! the two; [`saved`] writes an imported network as a model and a config. Messages, evaluator and importer are in
//! [`keel_onnx`].

pub mod export;
mod file;
pub mod saved;
pub mod verify;

pub use file::{read, write};
pub use keel_onnx::{Data, Evaluator, Tensor, decode, encode, import, schema};
