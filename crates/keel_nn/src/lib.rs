//! Layers, graph, memory plan and executor of Evenkeel.
//!
//! A list of [`layers`] becomes a [`graph`] of typed operations with all shapes resolved. [`program::lower`] turns it into a
//! program: kernels, fused where that is faster, a plan that gives each intermediate result its place in one allocation, and an
//! executor that runs their forward and backward functions.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod activations;
mod catalog;
mod first_filters;
pub mod graph;
pub mod init;
pub mod layer;
pub mod layers;
pub mod losses;
pub mod model;
mod name_or_table;
pub mod network;
pub mod observers;
pub mod probe;
pub mod program;
pub mod random;
pub mod reference;
pub mod shape;

pub use catalog::CatalogEntry;
pub use first_filters::FirstFilters;
pub use keel_kernels::SimdLevel;

pub use graph::{Graph, GraphError, NodeId, Op, Value};
pub use init::InitSpec;
pub use layer::{
    Backward, BatchPart, BatchShares, Division, Forward, Layer, Memory, MemoryRequest, Mode, ParameterRole,
    ParameterSpec, StateSpec, Trained,
};
pub use model::{ModelConfig, Preset};
pub use network::Network;
pub use probe::{LayerProbe, Measures, Observer, Probe};
pub use program::{BatchInput, Cpu, Executor, Fusion, FusionPasses, MemoryPlan, Program, lower};
pub use random::RandomKey;
pub use shape::Shape;
