//! Batch norm and the sum that ends a residual block: one pass over memory in each direction.

use super::norm_of;
use crate::graph::Op;
use crate::program::Kernel;

pub(super) fn join(first: &Kernel, second: &Kernel) -> Option<Kernel> {
    let Kernel::Single(Op::Add(_)) = second else { return None };
    norm_of(first)?.with_sum().map(Kernel::Norm)
}
