//! Names of the texts that an export of Evenkeel stores in a file next to the graph.

/// Names of the classes, in their order.
pub const CLASSES: &str = "classes";
/// First and last value of the network.
pub const NETWORK: &str = "evenkeel.network";
/// Schema of the model.
pub const SCHEMA: &str = "evenkeel.schema";
/// Fitted preprocessing.
pub const PREPROCESSOR: &str = "evenkeel.preprocessor";
/// Facts of training that are not in the graph: loss, members, scale of targets.
pub const TRAINING: &str = "evenkeel.training";
