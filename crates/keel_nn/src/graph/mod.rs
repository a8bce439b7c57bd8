//! The network as a graph of typed operations: nodes in execution order, with every shape, parameter and name resolved.
//!
//! A graph describes a computation and owns no memory. It is lowered to a [`crate::program`], which executes it; the program keeps
//! its graph, so that it never has to be rebuilt.

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

/// A network without values of parameters.
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
    /// Builds the graph of `layers` for inputs of shape `input`. A last linear layer without `out_features` gets `outputs`; a
    /// flatten is added before a linear layer whose input is an image.
    ///
    /// # Errors
    /// If a layer does not fit its input: the error names the layer, its place and the shapes.
    pub fn build(input: Shape, layers: &[LayerSpec], outputs: usize) -> Result<Graph, GraphError> {
        build::build(input, layers, outputs)
    }

    /// Returns the graph with training settings from `entries`, one for each entry of the list of layers: the nodes of a frozen
    /// entry keep their parameters and running statistics. An empty slice changes nothing.
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

    /// Returns the graph with `loss` at its end, where every sample has `members` predictions. `place` is the config entry of the
    /// loss.
    ///
    /// # Errors
    /// [`GraphError::Outputs`] if the network has a different number of outputs.
    pub fn with_loss(mut self, loss: Loss, members: usize, place: Place) -> Result<Graph, GraphError> {
        let (actual, expected) = (self.output_shape().len(), loss.outputs().saturating_mul(members));
        if actual != expected {
            return Err(GraphError::Outputs { actual, expected });
        }
        let (id, input) = (NodeId(self.nodes.len()), self.output());
        self.loss = Some(LossNode { id, loss, members, input, place });
        Ok(self)
    }

    /// Returns the loss; `None` in a graph for evaluation only.
    pub fn loss(&self) -> Option<&LossNode> {
        self.loss.as_ref()
    }

    /// Returns shape of one input sample.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    /// Returns shape of one output sample.
    pub fn output_shape(&self) -> Shape {
        self.shape(self.output())
    }

    /// Returns the output of the network.
    pub fn output(&self) -> Value {
        self.nodes.last().map_or(Value::Input, |node| Value::Node(node.id))
    }

    /// Returns shape of one sample of a value.
    pub fn shape(&self, value: Value) -> Shape {
        match value {
            Value::Input => self.input,
            Value::Node(id) => self.node(id).op.output_shape(),
        }
    }

    /// Returns the nodes in execution order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns one node.
    ///
    /// # Panics
    /// If `id` belongs to another, larger graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Returns the node called `name`.
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Iterates over the nodes that read the output of `id`, in execution order.
    pub fn readers(&self, id: NodeId) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.inputs.contains(&Value::Node(id)))
    }

    /// Returns the last node with a weight matrix, which computes the outputs.
    pub fn last_weight_node(&self) -> Option<&Node> {
        self.nodes.iter().rev().find(|node| node.op.has_weight_matrix())
    }

    /// Returns all learned parameters, in buffer order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Returns the parameters of one node.
    pub fn parameters_of(&self, id: NodeId) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.node == id)
    }

    /// Returns all state, in buffer order.
    pub fn state(&self) -> &[StateEntry] {
        &self.state
    }

    /// Returns the number of floats of all parameters.
    pub fn parameter_length(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.parameters.end)
    }

    /// Returns the number of floats of all state.
    pub fn state_length(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.state.end)
    }

    /// Returns the number of multiply-adds of the forward pass for one sample, saturating at the maximum of a `u64`.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| node.op.multiply_adds()).fold(0, u64::saturating_add)
    }

    /// Returns what was added or inferred while building, one sentence each.
    pub fn inferred(&self) -> &[String] {
        &self.inferred
    }

    /// Returns the first node that mixes the samples of a batch in training, if there is one.
    pub fn needs_batch(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.op.needs_batch())
    }

    /// Returns the value whose memory `value` shares, following views back to the value that is computed.
    pub fn storage(&self, value: Value) -> Value {
        match value {
            Value::Node(id) if self.node(id).op.is_view() => self.storage(self.node(id).inputs[0]),
            other => other,
        }
    }
}
