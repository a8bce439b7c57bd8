//! One instruction of a program: a kernel with the nodes it computes.

use std::ops::Range;

use super::Fusion;
use crate::graph::{Graph, NodeId, Op, Value};
use crate::layer::Layer;
use crate::layers::{ConvolutionBlock, NormBlock};

/// A value flowing through a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueSource {
    /// Input of the network.
    Input,
    /// The output of the instruction with this index.
    Instruction(usize),
}

/// Arithmetic of an instruction.
#[derive(Clone, Debug)]
pub enum Kernel {
    /// One operation by itself.
    Single(Op),
    /// A batch norm with what follows it.
    Norm(NormBlock),
    /// A convolution with the batch norm after it and what follows that.
    Convolution(ConvolutionBlock),
}

impl Kernel {
    /// The arithmetic.
    pub fn layer(&self) -> &dyn Layer {
        match self {
            Kernel::Single(op) => op.layer(),
            Kernel::Norm(block) => block,
            Kernel::Convolution(block) => block,
        }
    }
}

/// A kernel in its place.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The nodes it computes, in the order of the graph; its output is that of the last.
    pub nodes: Vec<NodeId>,
    /// Arithmetic of the nodes.
    pub kernel: Kernel,
    /// One or two values it reads.
    pub inputs: Vec<ValueSource>,
    /// Its floats in the parameter buffer.
    pub parameters: Range<usize>,
    /// Its floats in the state buffer.
    pub state: Range<usize>,
    /// The passes that joined it, in order.
    pub fused_by: Vec<Fusion>,
}

impl Instruction {
    /// That of its first node, so that random numbers are the same however nodes are joined.
    pub(crate) fn random_word(&self, graph: &Graph) -> u64 {
        graph.node(self.nodes[0]).random_word()
    }

    /// The names of its nodes in `graph`, for people: `conv2d_1 + batch_norm_1`.
    pub fn name(&self, graph: &Graph) -> String {
        let names: Vec<&str> = self.nodes.iter().map(|&id| graph.node(id).name.as_str()).collect();
        names.join(" + ")
    }
}

/// One instruction for each node.
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
