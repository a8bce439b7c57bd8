//! Batch norm and the activation after it: one pass over memory in each direction.

use super::norm_of;
use crate::graph::Op;
use crate::program::Kernel;

pub(super) fn join(first: &Kernel, second: &Kernel) -> Option<Kernel> {
    let Kernel::Single(Op::Activation(layer)) = second else { return None };
    let norm = norm_of(first).filter(|norm| !norm.adds())?;
    norm.with_activation(layer.activation()).map(Kernel::Norm)
}
