//! One instruction of a program: a kernel with the nodes that it computes.

use std::ops::Range;

use super::Fusion;
use crate::graph::{Graph, NodeId, Op, Value};
use crate::layer::Layer;
use crate::layers::{ConvolutionBlock, LinearBlock, NormBlock};

/// A value of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueSource {
    /// Input of the network.
    Input,
    /// Output of the instruction with this index.
    Instruction(usize),
}

/// Kernel of an instruction.
#[derive(Clone, Debug)]
pub enum Kernel {
    /// One operation.
    Single(Op),
    /// A linear layer with the activation that follows.
    Linear(LinearBlock),
    /// A batch norm with the operations that follow.
    Norm(NormBlock),
    /// A convolution with the batch norm after it and the operations that follow.
    Convolution(ConvolutionBlock),
}

impl Kernel {
    /// Returns the implementation.
    pub fn layer(&self) -> &dyn Layer {
        match self {
            Kernel::Single(op) => op.layer(),
            Kernel::Linear(block) => block,
            Kernel::Norm(block) => block,
            Kernel::Convolution(block) => block,
        }
    }
}

/// A kernel with its operands.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Nodes that it computes, in the order of the graph; its output is that of the last.
    pub nodes: Vec<NodeId>,
    /// Kernel that computes the nodes.
    pub kernel: Kernel,
    /// One or two input values.
    pub inputs: Vec<ValueSource>,
    /// Range in the parameter buffer.
    pub parameters: Range<usize>,
    /// Range in the state buffer.
    pub state: Range<usize>,
    /// Passes that fused it, in order.
    pub fused_by: Vec<Fusion>,
}

impl Instruction {
    /// Returns the random word of its first node, so that random numbers do not depend on fusion.
    pub(crate) fn random_word(&self, graph: &Graph) -> u64 {
        graph.node(self.nodes[0]).random_word()
    }

    /// Returns the names of its nodes in `graph`, for display: `conv2d_1 + batch_norm_1`.
    pub fn name(&self, graph: &Graph) -> String {
        let names: Vec<&str> = self.nodes.iter().map(|&id| graph.node(id).name.as_str()).collect();
        names.join(" + ")
    }
}

/// Returns one instruction per node.
pub(super) fn of_nodes(graph: &Graph) -> Vec<Instruction> {
    let source = |value: &Value| match value {
        Value::Input => ValueSource::Input,
        Value::Node(id) => ValueSource::Instruction(id.index()),
    };
    let instruction = |node: &crate::graph::Node| Instruction {
        nodes: vec![node.id],
        kernel: Kernel::Single(node.op.clone()),
        inputs: node.inputs.iter().map(source).collect(),
        parameters: node.parameters.clone(),
        state: node.state.clone(),
        fused_by: Vec::new(),
    };
    graph.nodes().iter().map(instruction).collect()
}
