//! Fusions: patterns of neighbours that are faster as one kernel. One file each.
//!
//! A pattern is a function of two neighbours: it returns the kernel that computes both, or `None`. The loop below checks that the
//! second reads the first and is its only reader. `fold_norm` is not a pattern: it changes kernels that are fused already. To add a
//! fusion, write its file, name it in [`Fusion`](super::Fusion) and add an arm in `join`.

mod convolution_norm;
mod fold_norm;
mod linear_activation;
mod norm_activation;
mod norm_pooling;
mod norm_sum;
mod sum_activation;

use super::{Fusion, FusionPasses, Instruction, Kernel, ValueSource};
use crate::layers::NormBlock;

/// Fuses two neighbours, or returns `None`.
type Join = fn(&Kernel, &Kernel) -> Option<Kernel>;

/// Runs the passes in order.
pub(super) fn join(mut instructions: Vec<Instruction>, passes: FusionPasses) -> Vec<Instruction> {
    for pass in passes.iter() {
        match pass {
            Fusion::LinearActivation => join_pairs(&mut instructions, pass, linear_activation::join),
            Fusion::NormActivation => join_pairs(&mut instructions, pass, norm_activation::join),
            Fusion::NormSum => join_pairs(&mut instructions, pass, norm_sum::join),
            Fusion::SumActivation => join_pairs(&mut instructions, pass, sum_activation::join),
            Fusion::NormPooling => join_pairs(&mut instructions, pass, norm_pooling::join),
            Fusion::ConvolutionNorm => join_pairs(&mut instructions, pass, convolution_norm::join),
            Fusion::FoldNorm => fold_norm::apply(&mut instructions),
        }
    }
    instructions
}

fn join_pairs(instructions: &mut Vec<Instruction>, pass: Fusion, join: Join) {
    let mut index = 0;
    while index + 1 < instructions.len() {
        if let Some(joined) = joined(instructions, index, pass, join) {
            replace_pair(instructions, index, joined);
        }
        index += 1;
    }
}

/// Returns the instruction that computes `index` and the one after it, if the pattern fuses them: the second must read the first
/// and be its only reader.
fn joined(instructions: &[Instruction], index: usize, pass: Fusion, join: Join) -> Option<Instruction> {
    let (first, second) = (&instructions[index], &instructions[index + 1]);
    let own = ValueSource::Instruction(index);
    let readers = instructions.iter().filter(|other| other.inputs.contains(&own)).count();
    let others = second.inputs.get(1..)?;
    if second.inputs.first() != Some(&own) || others.contains(&own) || readers != 1 {
        return None;
    }
    let mut fused_by = first.fused_by.clone();
    fused_by.extend(&second.fused_by);
    fused_by.push(pass);
    Some(Instruction {
        nodes: first.nodes.iter().chain(&second.nodes).copied().collect(),
        kernel: join(&first.kernel, &second.kernel)?,
        inputs: first.inputs.iter().chain(others).copied().collect(),
        parameters: first.parameters.start..first.parameters.end.max(second.parameters.end),
        state: first.state.start..first.state.end.max(second.state.end),
        fused_by,
    })
}

/// Replaces instructions `index` and `index + 1` by `joined`.
fn replace_pair(instructions: &mut Vec<Instruction>, index: usize, joined: Instruction) {
    instructions[index] = joined;
    instructions.remove(index + 1);
    for input in instructions[index + 1..].iter_mut().flat_map(|later| &mut later.inputs) {
        if let ValueSource::Instruction(from) = input
            && *from > index
        {
            *from -= 1;
        }
    }
}

/// Returns a batch norm that is trained, alone or with the operations fused to it already.
fn norm_of(kernel: &Kernel) -> Option<NormBlock> {
    match kernel {
        Kernel::Single(crate::graph::Op::BatchNorm(norm)) if !norm.is_frozen() => Some(NormBlock::new(norm.clone())),
        Kernel::Norm(block) => Some(block.clone()),
        _ => None,
    }
}
