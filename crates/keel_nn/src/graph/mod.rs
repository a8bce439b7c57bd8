//! The network as a graph: nodes in the order they run, with every shape, parameter and name settled.

mod build;
mod error;
mod fuse;
mod fusion;

use std::collections::BTreeMap;
use std::ops::Range;

pub use error::GraphError;
pub use fusion::{Fusion, FusionPasses};

use crate::activations::Activation;
use crate::layer::{Layer, ParameterSpec, StateSpec};
use crate::layers::LayerSpec;
use crate::{Mode, Shape};

/// A value flowing through the graph: the network's input, or the output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// What the network is given.
    Input,
    /// The output of the node with this index.
    Node(usize),
}

/// One layer in its place.
#[derive(Debug)]
pub struct Node {
    /// Unique: kind and number, `conv2d_1`.
    pub name: String,
    /// The operation.
    pub layer: Box<dyn Layer>,
    /// One or two values it reads.
    pub inputs: Vec<Value>,
    /// Its floats in the parameter buffer.
    pub parameters: Range<usize>,
    /// Its floats in the state buffer.
    pub state: Range<usize>,
    /// Tells its random numbers from those of other nodes; stays the same when nodes are joined.
    pub random_word: u64,
    /// The first activation its output meets before the next layer with weights.
    pub followed_by: Option<Activation>,
    /// The passes that joined it from the layers its name tells, in order.
    pub fused_by: Vec<Fusion>,
}

/// One learned parameter in its place.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Unique: `conv2d_1.weight`.
    pub name: String,
    /// Index of its node.
    pub node: usize,
    /// Shape, role, fans, initialiser.
    pub spec: ParameterSpec,
    /// Whether training leaves it as it started.
    pub frozen: bool,
    /// Its floats in the parameter buffer.
    pub range: Range<usize>,
}

/// State of one node in its place.
#[derive(Clone, Debug)]
pub struct StateEntry {
    /// Unique: `batch_norm_1.running_mean`.
    pub name: String,
    /// Index of its node.
    pub node: usize,
    /// Length and initial value.
    pub spec: StateSpec,
    /// Its floats in the state buffer.
    pub range: Range<usize>,
}

/// A network without numbers.
#[derive(Debug)]
pub struct Graph {
    input: Shape,
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
    state: Vec<StateEntry>,
    inferred: Vec<String>,
    places: BTreeMap<String, String>,
}

impl Graph {
    /// Lays out `layers` for inputs of shape `input`. A last linear layer without `out_features` gets `outputs`; a
    /// flatten is put before a linear layer that would get an image.
    ///
    /// # Errors
    /// If a layer does not fit what it would get: the error names the layer, its place and the shapes.
    pub fn build(input: Shape, layers: &[LayerSpec], outputs: usize) -> Result<Graph, GraphError> {
        build::build(input, layers, outputs)
    }

    /// Joins layers that are faster as one, by every pass there is. Parameters, state and results stay the same, up to
    /// rounding.
    pub fn fuse(self) -> Graph {
        self.fuse_with(FusionPasses::all())
    }

    /// As [`Graph::fuse`], by some passes.
    pub fn fuse_with(self, passes: FusionPasses) -> Graph {
        fuse::fuse(self, passes)
    }

    /// Shape of one input sample.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    /// Shape of one output sample.
    pub fn output_shape(&self) -> Shape {
        self.shape(self.output())
    }

    /// The value the network returns.
    pub fn output(&self) -> Value {
        self.nodes.len().checked_sub(1).map_or(Value::Input, Value::Node)
    }

    /// Shape of one sample of a value.
    pub fn shape(&self, value: Value) -> Shape {
        match value {
            Value::Input => self.input,
            Value::Node(node) => self.nodes[node].layer.output_shape(),
        }
    }

    /// The nodes, in the order they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All learned parameters, in buffer order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// All state, in buffer order.
    pub fn state(&self) -> &[StateEntry] {
        &self.state
    }

    /// Floats of all parameters.
    pub fn parameter_length(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.parameters.end)
    }

    /// Floats of all state.
    pub fn state_length(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.state.end)
    }

    /// Multiply-adds of one sample's forward pass.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| node.layer.multiply_adds()).sum()
    }

    /// What was added or inferred while building, one sentence each.
    pub fn inferred(&self) -> &[String] {
        &self.inferred
    }

    /// Where the list of layers names the layer `name`, as in `3.body.0`; `None` for what the graph added by itself and for
    /// nodes that stand for several layers.
    pub fn place(&self, name: &str) -> Option<&str> {
        self.places.get(name).map(String::as_str)
    }

    /// The name of the first layer that mixes the samples of a batch in training, if there is one.
    pub fn needs_batch(&self) -> Option<&str> {
        self.nodes.iter().find(|node| node.layer.needs_batch()).map(|node| node.name.as_str())
    }

    /// For each node, whether it or a node it reads from learns: only these take part in a backward pass.
    pub(crate) fn learning_nodes(&self) -> Vec<bool> {
        let mut learning = vec![false; self.nodes.len()];
        for parameter in self.parameters.iter().filter(|parameter| !parameter.frozen) {
            learning[parameter.node] = true;
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let reads = |input: &Value| matches!(input, Value::Node(from) if learning[*from]);
            learning[index] = learning[index] || node.inputs.iter().any(reads);
        }
        learning
    }

    /// The value whose memory `value` shares: through views back to what is really computed.
    pub(crate) fn storage(&self, value: Value) -> Value {
        match value {
            Value::Node(node) if self.nodes[node].layer.is_view() => self.storage(self.nodes[node].inputs[0]),
            other => other,
        }
    }

    /// Whether a plan for `mode` needs backward passes.
    pub(crate) fn trains(mode: Mode) -> bool {
        mode == Mode::Train
    }
}
