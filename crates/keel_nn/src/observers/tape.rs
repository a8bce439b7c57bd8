//! Copies of whole tensors, for code that needs single values.

use crate::graph::NodeId;
use crate::probe::{LayerProbe, Observer, Probe};
use crate::program::Program;

/// Observer that keeps a copy of the output of chosen nodes and of the gradient with respect to it. In a program with fused nodes,
/// only the last node of each instruction has an output of its own.
#[derive(Debug)]
pub struct Tape {
    probes: Vec<Probe>,
    /// Index of the instruction that ends in each node.
    instructions: Vec<Option<usize>>,
}

impl Tape {
    /// Records the tensors of every node of `program`.
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

    /// Records the tensors of `nodes` only.
    pub fn of(program: &Program, nodes: &[NodeId]) -> Self {
        let mut tape = Tape::of_all(program);
        for (node, instruction) in tape.instructions.iter().enumerate() {
            if let Some(instruction) = instruction {
                tape.probes[*instruction].requests.values = nodes.contains(&NodeId(node));
            }
        }
        tape
    }

    /// Clears the tensors of the last step.
    pub fn clear(&mut self) {
        self.probes.iter_mut().for_each(Probe::clear);
    }

    /// Returns the output of `node` in the passes since the last [`Tape::clear`], `[batch, ...]`; empty if it has no output of its
    /// own, or is a view.
    pub fn output(&self, node: NodeId) -> &[f32] {
        self.instructions[node.index()].map_or(&[], |index| &self.probes[index].values.output)
    }

    /// Returns the gradient with respect to the output of `node`, like [`Tape::output`]; also empty if nothing before it is trained.
    pub fn gradient(&self, node: NodeId) -> &[f32] {
        self.instructions[node.index()].map_or(&[], |index| &self.probes[index].values.gradient)
    }
}

impl Observer for Tape {
    fn probe(&mut self, instruction: usize) -> Option<&mut Probe> {
        Some(&mut self.probes[instruction])
    }
}
