//! Copies of whole tensors, for those who look at single values.

use crate::graph::NodeId;
use crate::probe::{LayerProbe, Observer, Probe};
use crate::program::Program;

/// Observer that keeps a copy of the output of chosen nodes and of the gradient with respect to it. In a program that joins
/// nodes, only the last one of each instruction has an output of its own.
#[derive(Debug)]
pub struct Tape {
    probes: Vec<Probe>,
    /// Number of the instruction that ends in each node.
    instructions: Vec<Option<usize>>,
}

impl Tape {
    /// Keeps the tensors of every node of `program`.
    pub fn of_all(program: &Program) -> Self {
        let mut tape = Tape { probes: Vec::new(), instructions: vec![None; program.graph().nodes().len()] };
        for (index, instruction) in program.instructions().iter().enumerate() {
            let mut probe = Probe::default();
            probe.requests.values = true;
            probe.layers.extend(instruction.nodes.iter().map(|_| LayerProbe::default()));
            tape.probes.push(probe);
            if let Some(last) = instruction.nodes.last() {
                tape.instructions[last.index()] = Some(index);
            }
        }
        tape
    }

    /// Keeps the tensors of `nodes` alone.
    pub fn of(program: &Program, nodes: &[NodeId]) -> Self {
        let mut tape = Tape::of_all(program);
        for (node, instruction) in tape.instructions.iter().enumerate() {
            if let Some(instruction) = instruction {
                tape.probes[*instruction].requests.values = nodes.contains(&NodeId(node));
            }
        }
        tape
    }

    /// Forgets the last step.
    pub fn clear(&mut self) {
        self.probes.iter_mut().for_each(Probe::clear);
    }

    /// Output of `node` in the passes since the last [`Tape::clear`], `[batch, ...]`; empty if it has none of its own, or is a
    /// view.
    pub fn output(&self, node: NodeId) -> &[f32] {
        self.instructions[node.index()].map_or(&[], |index| &self.probes[index].values.output)
    }

    /// Gradient with respect to the output of `node`, as [`Tape::output`]; empty as well where nothing before it learns.
    pub fn gradient(&self, node: NodeId) -> &[f32] {
        self.instructions[node.index()].map_or(&[], |index| &self.probes[index].values.gradient)
    }
}

impl Observer for Tape {
    fn probe(&mut self, instruction: usize) -> Option<&mut Probe> {
        Some(&mut self.probes[instruction])
    }
}
