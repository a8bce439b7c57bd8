//! In evaluation, the norm becomes part of the convolution's weights.

use crate::program::{Fusion, Instruction, Kernel};

pub(super) fn apply(instructions: &mut [Instruction]) {
    for instruction in instructions {
        if let Kernel::Convolution(block) = &instruction.kernel {
            instruction.kernel = Kernel::Convolution(block.clone().folded());
            instruction.fused_by.push(Fusion::FoldNorm);
        }
    }
}
