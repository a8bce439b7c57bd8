//! The network as a graph of typed operations: nodes in the order they run, with every shape, parameter and name settled.
//!
//! A graph says what is computed and owns no memory. What computes it is a [`crate::program`], lowered from it; the two
//! stay together, so that nobody has to build a graph again.

mod build;
mod error;
mod loss_node;
mod node;

pub use error::GraphError;
pub use loss_node::LossNode;
pub use node::{Node, NodeId, Parameter, Place, StateEntry, Value};

pub use crate::layers::Op;

use crate::layers::LayerSpec;
use crate::losses::Loss;
use crate::model::EntryTraining;
use crate::{Shape, Trained};

/// A network without numbers.
#[derive(Clone, Debug)]
pub struct Graph {
    input: Shape,
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
    state: Vec<StateEntry>,
    inferred: Vec<String>,
    loss: Option<LossNode>,
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

    /// The same graph, trained as `entries` say, one for each entry of the list of layers: what stands for a frozen one keeps its
    /// parameters and running statistics. No entries change nothing.
    pub fn with_training(mut self, entries: &[EntryTraining]) -> Graph {
        let Graph { nodes, parameters, .. } = &mut self;
        for node in nodes {
            let Some(entry) = entries.get(node.entry) else { continue };
            if entry.is_frozen {
                node.op.freeze();
            }
            for parameter in parameters.iter_mut().filter(|parameter| parameter.node == node.id) {
                parameter.learning_rate_factor = entry.learning_rate_factor;
                if entry.is_frozen {
                    parameter.trained = Trained::Never;
                }
            }
        }
        self
    }

    /// The same graph with `loss` at its end, where every sample has `members` predictions. `place` is the entry of the
    /// config it comes from.
    ///
    /// # Errors
    /// [`GraphError::Outputs`] if the network ends in another number of values.
    pub fn with_loss(mut self, loss: Loss, members: usize, place: Place) -> Result<Graph, GraphError> {
        let (actual, expected) = (self.output_shape().len(), loss.outputs().saturating_mul(members));
        if actual != expected {
            return Err(GraphError::Outputs { actual, expected });
        }
        let (id, input) = (NodeId(self.nodes.len()), self.output());
        self.loss = Some(LossNode { id, loss, members, input, place });
        Ok(self)
    }

    /// The loss; `None` in a graph that is only evaluated.
    pub fn loss(&self) -> Option<&LossNode> {
        self.loss.as_ref()
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
        self.nodes.last().map_or(Value::Input, |node| Value::Node(node.id))
    }

    /// Shape of one sample of a value.
    pub fn shape(&self, value: Value) -> Shape {
        match value {
            Value::Input => self.input,
            Value::Node(id) => self.node(id).op.output_shape(),
        }
    }

    /// The nodes, in the order they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    ///
    /// # Panics
    /// If `id` is of another, larger graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node called `name`.
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Nodes that read the output of `id`, in the order they run.
    pub fn readers(&self, id: NodeId) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.inputs.contains(&Value::Node(id)))
    }

    /// The last node with a matrix of weights: the one that gives the outputs.
    pub fn last_weight_node(&self) -> Option<&Node> {
        self.nodes.iter().rev().find(|node| node.op.has_weight_matrix())
    }

    /// All learned parameters, in buffer order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The parameters of one node.
    pub fn parameters_of(&self, id: NodeId) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.node == id)
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

    /// Multiply-adds of one sample's forward pass; as many as a `u64` can count if there are more.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| node.op.multiply_adds()).fold(0, u64::saturating_add)
    }

    /// What was added or inferred while building, one sentence each.
    pub fn inferred(&self) -> &[String] {
        &self.inferred
    }

    /// The first node that mixes the samples of a batch in training, if there is one.
    pub fn needs_batch(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.op.needs_batch())
    }

    /// The value whose memory `value` shares: through views back to what is really computed.
    pub fn storage(&self, value: Value) -> Value {
        match value {
            Value::Node(id) if self.node(id).op.is_view() => self.storage(self.node(id).inputs[0]),
            other => other,
        }
    }
}
