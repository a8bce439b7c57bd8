//! Layers, graph, memory plan and executor of Evenkeel.
//!
//! A list of [`layers`] becomes a [`graph`] with every shape settled; a [`plan`] gives each intermediate result its place
//! in one allocation; an [`executor`] runs the layers' forward and backward functions over it.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod activations;
pub mod executor;
pub mod graph;
pub mod init;
pub mod layer;
pub mod layers;
pub mod losses;
pub mod model;
mod name_or_table;
pub mod network;
pub mod plan;
pub mod probe;
pub mod random;
pub mod reference;
pub mod shape;

pub use executor::{Batch, Executor, Observer};
pub use graph::{Fusion, FusionPasses, Graph, GraphError, Value};
pub use layer::{Backward, Forward, Layer, Memory, MemoryRequest, Mode, ParameterRole, ParameterSpec, StateSpec};
pub use model::{ModelConfig, Preset};
pub use network::Network;
pub use plan::Plan;
pub use probe::{LayerProbe, Measures, Probe};
pub use random::RandomKey;
pub use shape::Shape;
