//! Nodes, values and their ranges in the buffers of a network.

use std::fmt;
use std::ops::Range;

use super::Op;
use crate::activations::Activation;
use crate::layer::{ParameterSpec, StateSpec, Trained};

/// Identifies a node of one graph by its index in execution order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// Returns the identifier of the node at `index` in [`Graph::nodes`](super::Graph::nodes).
    pub fn new(index: usize) -> Self {
        NodeId(index)
    }

    /// Returns the index of the node in [`Graph::nodes`](super::Graph::nodes).
    pub fn index(self) -> usize {
        self.0
    }
}

/// A value of the graph: the network's input, or the output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Input of the network.
    Input,
    /// Output of this node.
    Node(NodeId),
}

/// Config entry that a node comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path of the entry in the list of layers: `3`, or `3.body.1` inside a residual block. For a loss, the key of the config,
    /// `train.loss`.
    pub path: String,
    /// True if the entry itself describes this node; false for a node that was added for it: a flatten, a projection, a sum, a loss
    /// chosen from the targets.
    pub is_written: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)
    }
}

/// One operation of a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Identifier in the graph.
    pub id: NodeId,
    /// Unique name of kind and number, `conv2d_1`, for display: code must not parse it.
    pub name: String,
    /// Operation with its resolved settings.
    pub op: Op,
    /// One or two input values.
    pub inputs: Vec<Value>,
    /// Config entry that it comes from.
    pub place: Place,
    /// Index of that entry in the list of layers; for a node inside a residual block, the index of the block.
    pub entry: usize,
    /// Range in the parameter buffer.
    pub parameters: Range<usize>,
    /// Range in the state buffer.
    pub state: Range<usize>,
    /// First activation that its output reaches before the next layer with weights.
    pub followed_by: Option<Activation>,
}

impl Node {
    /// Returns the word that separates its random numbers from those of other nodes.
    pub(crate) fn random_word(&self) -> u64 {
        self.id.index() as u64
    }
}

/// One learned parameter of a graph.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Unique name: `conv2d_1.weight`.
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// Shape, role, fan-in and fan-out, initialiser.
    pub spec: ParameterSpec,
    /// Epochs in which it is trained.
    pub trained: Trained,
    /// Factor of the learning rate.
    pub learning_rate_factor: f64,
    /// Its floats in the parameter buffer.
    pub range: Range<usize>,
}

impl Parameter {
    /// Returns true if training never changes it.
    pub fn is_frozen(&self) -> bool {
        self.trained == Trained::Never
    }
}

/// State of one node of a graph.
#[derive(Clone, Debug)]
pub struct StateEntry {
    /// Unique name: `batch_norm_1.running_mean`.
    pub name: String,
    /// Node that it belongs to.
    pub node: NodeId,
    /// Length and initial value.
    pub spec: StateSpec,
    /// Range in the state buffer.
    pub range: Range<usize>,
}
