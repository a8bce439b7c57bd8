//! Fusions: patterns of neighbours whose work is faster done as one. One file each.
//!
//! A pattern is a function of two neighbours: the kernel that does the work of both, or nothing. The walk below checks that
//! the second reads the first, which nobody else does. `fold_norm` is none: it changes kernels that are joined already. To add
//! a fusion, write its file, name it in [`Fusion`](super::Fusion) and give it an arm in `join`.

mod convolution_norm;
mod fold_norm;
mod norm_activation;
mod norm_pooling;
mod norm_sum;
mod sum_activation;

use super::{Fusion, FusionPasses, Instruction, Kernel, ValueSource};
use crate::layers::NormBlock;

/// Joins two neighbours, or leaves them.
type Join = fn(&Kernel, &Kernel) -> Option<Kernel>;

/// Runs the passes in their order.
pub(super) fn join(mut instructions: Vec<Instruction>, passes: FusionPasses) -> Vec<Instruction> {
    for pass in passes.iter() {
        match pass {
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

/// The instruction that does the work of `index` and of the one after it, if the pattern joins them: the second reads the
/// first, which nobody else does.
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

/// Puts `joined` in the place of instructions `index` and `index + 1`.
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

/// A batch norm that is trained, alone or with what was joined to it already.
fn norm_of(kernel: &Kernel) -> Option<NormBlock> {
    match kernel {
        Kernel::Single(crate::graph::Op::BatchNorm(norm)) if !norm.is_frozen() => Some(NormBlock::new(norm.clone())),
        Kernel::Norm(block) => Some(block.clone()),
        _ => None,
    }
}
