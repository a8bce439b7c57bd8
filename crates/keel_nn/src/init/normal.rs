//! Normal draws with mean 0.

use keel_kernels::parallel::for_each_chunk_mut;
use rand_distr::{Distribution, StandardNormal};

use crate::random::RandomKey;

/// Values drawn from one stream; each chunk has a stream of its own.
const CHUNK: usize = 16 * 1024;

/// Draws every value from N(0, std^2).
pub(super) fn fill(values: &mut [f32], std: f32, key: RandomKey) {
    for_each_chunk_mut(values, CHUNK, |index, values| {
        let mut generator = key.child(index as u64).generator();
        for value in values {
            let draw: f32 = StandardNormal.sample(&mut generator);
            *value = std * draw;
        }
    });
}
