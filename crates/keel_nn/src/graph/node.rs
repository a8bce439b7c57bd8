//! Nodes, values and what they own in the buffers of a network.

use std::fmt;
use std::ops::Range;

use super::Op;
use crate::activations::Activation;
use crate::layer::{ParameterSpec, StateSpec, Trained};

/// Names a node of one graph: its place in the order in which nodes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// Identifier of the node at `index` in [`Graph::nodes`](super::Graph::nodes).
    pub fn new(index: usize) -> Self {
        NodeId(index)
    }

    /// Index of the node in [`Graph::nodes`](super::Graph::nodes).
    pub fn index(self) -> usize {
        self.0
    }
}

/// A value flowing through the graph: the network's input, or the output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Input of the network.
    Input,
    /// The output of this node.
    Node(NodeId),
}

/// Entry of the config that a node comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path of the entry in the list of layers: `3`, or `3.body.1` inside a residual block. Of a loss: the key of the config,
    /// `train.loss`.
    pub path: String,
    /// True if the entry is this node; false for a node that was added for it: a flatten, a projection, a sum, a loss
    /// chosen by the targets.
    pub is_written: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)
    }
}

/// One operation in its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Identifier in the graph.
    pub id: NodeId,
    /// Unique: kind and number, `conv2d_1`. For people: nothing is to be read from it.
    pub name: String,
    /// Operation with its resolved settings.
    pub op: Op,
    /// One or two values it reads.
    pub inputs: Vec<Value>,
    /// Entry of the config that it comes from.
    pub place: Place,
    /// Index of that entry in the list of layers; of the block, for what is inside a residual block.
    pub entry: usize,
    /// Its floats in the parameter buffer.
    pub parameters: Range<usize>,
    /// Its floats in the state buffer.
    pub state: Range<usize>,
    /// The first activation its output meets before the next layer with weights.
    pub followed_by: Option<Activation>,
}

impl Node {
    /// Tells its random numbers from those of other nodes.
    pub(crate) fn random_word(&self) -> u64 {
        self.id.index() as u64
    }
}

/// One learned parameter in its place.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Unique: `conv2d_1.weight`.
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// Shape, role, fans, initialiser.
    pub spec: ParameterSpec,
    /// Epochs in which training changes it.
    pub trained: Trained,
    /// Factor of its learning rate.
    pub learning_rate_factor: f64,
    /// Its floats in the parameter buffer.
    pub range: Range<usize>,
}

impl Parameter {
    /// Returns true if training leaves it as it starts.
    pub fn is_frozen(&self) -> bool {
        self.trained == Trained::Never
    }
}

/// State of one node in its place.
#[derive(Clone, Debug)]
pub struct StateEntry {
    /// Unique: `batch_norm_1.running_mean`.
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// Length and initial value.
    pub spec: StateSpec,
    /// Its floats in the state buffer.
    pub range: Range<usize>,
}
