//! Batch norm, its activation and 2x2 max pooling: one pass over memory in each direction.

use super::norm_of;
use crate::graph::Op;
use crate::program::Kernel;

pub(super) fn join(first: &Kernel, second: &Kernel) -> Option<Kernel> {
    let Kernel::Single(Op::MaxPool(pool)) = second else { return None };
    norm_of(first)?.with_pooling(pool.windows()).map(Kernel::Norm)
}
