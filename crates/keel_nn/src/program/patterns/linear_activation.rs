//! A linear layer and the activation after it.

use crate::graph::Op;
use crate::layers::LinearBlock;
use crate::program::Kernel;

pub(super) fn join(first: &Kernel, second: &Kernel) -> Option<Kernel> {
    let (Kernel::Single(Op::Linear(linear)), Kernel::Single(Op::Activation(layer))) = (first, second) else {
        return None;
    };
    LinearBlock::new(linear.clone(), layer.activation()).map(Kernel::Linear)
}
