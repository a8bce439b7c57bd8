//! Block-wise processing of long arrays, using the widest vectors of the processor, and several threads for large arrays.

use rayon::prelude::*;

/// Number of values per block.
const BLOCK: usize = 1 << 14;
/// Minimum number of values for several threads.
const PARALLEL: usize = 1 << 18;

/// Applies `block` to every block of `0..length` and returns the results in order.
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
