//! Programs: a graph lowered for execution by a target.
//!
//! `lower(&graph, &target)` returns a program, which keeps the graph. [`Cpu`] fuses neighbours into kernels that are faster
//! together, plans all memory beforehand ([`MemoryPlan`]) and runs in f32 ([`Executor`]).

mod executor;
mod instruction;
mod passes;
mod patterns;
mod plan;

use std::ops::Range;
use std::sync::Arc;

use keel_kernels::{SimdLevel, simd};

pub use executor::{BatchInput, Executor};
pub use instruction::{Instruction, Kernel, ValueSource};
pub use passes::{Fusion, FusionPasses};
pub use plan::{MemoryPlan, NodePlan, Slot};

use crate::Shape;
use crate::graph::Graph;

/// A target that executes graphs.
pub trait Target {
    /// Result of lowering a graph.
    type Program;

    /// Lowers `graph`, which is not changed.
    fn lower(&self, graph: &Arc<Graph>) -> Self::Program;
}

/// Lowers `graph` for `target`.
pub fn lower<T: Target>(graph: &Arc<Graph>, target: &T) -> T::Program {
    target.lower(graph)
}

/// The kernels of this machine, in f32.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Fusion passes that are applied.
    pub passes: FusionPasses,
    /// SIMD level of all kernels of a program.
    pub simd: SimdLevel,
}

impl Cpu {
    /// Applies all fusion passes, at the default SIMD level: for training and prediction.
    pub fn fused() -> Self {
        Cpu { passes: FusionPasses::all(), simd: simd::level() }
    }

    /// Applies no fusion pass: one instruction per node, in the order of the nodes, at the default SIMD level.
    pub fn unfused() -> Self {
        Cpu { passes: FusionPasses::none(), ..Cpu::fused() }
    }

    /// Sets the fusion passes.
    #[must_use]
    pub fn with_passes(self, passes: FusionPasses) -> Self {
        Cpu { passes, ..self }
    }

    /// Sets the SIMD level.
    #[must_use]
    pub fn with_simd(self, simd: SimdLevel) -> Self {
        Cpu { simd, ..self }
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Cpu::fused()
    }
}

impl Target for Cpu {
    type Program = Arc<Program>;

    fn lower(&self, graph: &Arc<Graph>) -> Arc<Program> {
        let instructions = patterns::join(instruction::of_nodes(graph), self.passes);
        Arc::new(Program { graph: Arc::clone(graph), instructions, simd: self.simd })
    }
}

/// A graph with the instructions that compute it on a CPU. Parameters, state and results are the same as the graph's, up to rounding.
#[derive(Debug)]
pub struct Program {
    graph: Arc<Graph>,
    instructions: Vec<Instruction>,
    simd: SimdLevel,
}

impl Program {
    /// Returns the graph that the program computes.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Returns the instructions in execution order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Returns the SIMD level of all kernels.
    pub fn simd(&self) -> SimdLevel {
        self.simd
    }

    /// Returns the output of the network.
    pub fn output(&self) -> ValueSource {
        self.instructions.len().checked_sub(1).map_or(ValueSource::Input, ValueSource::Instruction)
    }

    /// Returns the shape of one sample of a value.
    pub fn shape(&self, source: ValueSource) -> Shape {
        match source {
            ValueSource::Input => self.graph.input_shape(),
            ValueSource::Instruction(index) => self.instructions[index].kernel.layer().output_shape(),
        }
    }

    /// Returns the source whose memory `source` shares, following views back to the value that is computed.
    pub fn storage(&self, source: ValueSource) -> ValueSource {
        match source {
            ValueSource::Instruction(index) if self.instructions[index].kernel.layer().is_view() => {
                self.storage(self.instructions[index].inputs[0])
            }
            other => other,
        }
    }

    /// Returns for each instruction whether it, or an instruction it reads from, is trained in `epoch`, counted from 0: only these
    /// take part in a backward pass.
    pub(crate) fn learning(&self, epoch: u64) -> Vec<bool> {
        let mut learning = vec![false; self.instructions.len()];
        for (index, instruction) in self.instructions.iter().enumerate() {
            let own =
                instruction.nodes.iter().any(|&id| self.graph.parameters_of(id).any(|own| own.trained.in_epoch(epoch)));
            let reads = |input: &ValueSource| matches!(input, ValueSource::Instruction(from) if learning[*from]);
            learning[index] = own || instruction.inputs.iter().any(reads);
        }
        learning
    }

    /// Returns for each instruction the ranges of its parameters that are not trained in `epoch`, counted from 0.
    pub(crate) fn untrained(&self, epoch: u64) -> Vec<Vec<Range<usize>>> {
        let of = |instruction: &Instruction| {
            let parameters = instruction.nodes.iter().flat_map(|&id| self.graph.parameters_of(id));
            let untrained = parameters.filter(|parameter| !parameter.trained.in_epoch(epoch));
            untrained.map(|parameter| parameter.range.clone()).collect()
        };
        self.instructions.iter().map(of).collect()
    }
}
