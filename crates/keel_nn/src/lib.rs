//! Layers, graph, memory plan and executor of Evenkeel.
#![forbid(unsafe_code)]

pub mod activations;
pub mod init;
pub mod layer;
pub mod layers;
pub mod random;
pub mod shape;

pub use layer::{
    Backward, Forward, Layer, Memory, MemoryRequest, Mode, ParameterRole, ParameterSpec, StateSpec,
};
pub use random::RandomKey;
pub use shape::Shape;
