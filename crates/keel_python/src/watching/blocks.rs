//! Long arrays in blocks, each summed by the widest vectors of the processor, on several threads where that pays.

use rayon::prelude::*;

/// Values of a block.
const BLOCK: usize = 1 << 14;
/// Values from which on several threads read an array.
const PARALLEL: usize = 1 << 18;

/// Returns `block` of every block of `0..length`, in their order.
pub(super) fn of_blocks<T: Send>(length: usize, block: impl Fn(std::ops::Range<usize>) -> T + Sync) -> Vec<T> {
    let arch = pulp::Arch::new();
    let one = |index: usize| {
        let range = index * BLOCK..((index + 1) * BLOCK).min(length);
        arch.dispatch(
            #[inline(always)]
            || block(range),
        )
    };
    let blocks = length.div_ceil(BLOCK);
    if length < PARALLEL { (0..blocks).map(one).collect() } else { (0..blocks).into_par_iter().map(one).collect() }
}
