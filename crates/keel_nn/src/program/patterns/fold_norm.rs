//! Folds the norm into the convolution's weights in evaluation.

use crate::program::{Fusion, Instruction, Kernel};

pub(super) fn apply(instructions: &mut [Instruction]) {
    for instruction in instructions {
        if let Kernel::Convolution(block) = &instruction.kernel {
            instruction.kernel = Kernel::Convolution(block.clone().folded());
            instruction.fused_by.push(Fusion::FoldNorm);
        }
    }
}
