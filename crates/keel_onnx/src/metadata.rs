//! Keys of the metadata that an export of Evenkeel stores in a file next to the graph.

/// Names of the classes, in their order.
pub const CLASSES: &str = "classes";
/// Names of the first and last value of the network.
pub const NETWORK: &str = "evenkeel.network";
/// Schema of the model.
pub const SCHEMA: &str = "evenkeel.schema";
/// Fitted preprocessing.
pub const PREPROCESSOR: &str = "evenkeel.preprocessor";
/// Facts about training that the graph does not contain: loss, members, scale of targets.
pub const TRAINING: &str = "evenkeel.training";
