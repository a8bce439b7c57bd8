//! Element-wise sums of long slices.

use crate::parallel::{Pieces, for_each_chunk};
use crate::simd;

/// Floats one task handles.
const CHUNK: usize = 16 * 1024;

/// `target += source`.
pub fn add_assign(target: &mut [f32], source: &[f32]) {
    assert_eq!(target.len(), source.len(), "lengths");
    let pieces = Pieces::new(target);
    for_each_chunk(source.len(), CHUNK, |range| {
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        let source = &source[range];
        simd::level().run(
            #[inline(always)]
            || target.iter_mut().zip(source).for_each(|(sum, value)| *sum += value),
        );
    });
}
