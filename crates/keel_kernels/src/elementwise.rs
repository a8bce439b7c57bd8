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

/// `target = first + second`.
pub fn add(first: &[f32], second: &[f32], target: &mut [f32]) {
    assert_eq!((first.len(), second.len()), (target.len(), target.len()), "lengths");
    let pieces = Pieces::new(target);
    for_each_chunk(first.len(), CHUNK, |range| {
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        let (first, second) = (&first[range.clone()], &second[range]);
        simd::level().run(
            #[inline(always)]
            || target.iter_mut().zip(first).zip(second).for_each(|((sum, first), second)| *sum = first + second),
        );
    });
}

/// `target = source`.
pub fn copy(source: &[f32], target: &mut [f32]) {
    assert_eq!(source.len(), target.len(), "lengths");
    let pieces = Pieces::new(target);
    for_each_chunk(source.len(), CHUNK, |range| {
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        target.copy_from_slice(&source[range]);
    });
}
