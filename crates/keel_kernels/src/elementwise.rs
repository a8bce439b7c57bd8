//! Element-wise sums of long slices.

use crate::parallel::{Pieces, for_each_chunk};
use crate::simd::SimdLevel;

/// Number of floats per task.
const CHUNK: usize = 16 * 1024;

/// Computes `target += source`.
pub fn add_assign(simd: SimdLevel, target: &mut [f32], source: &[f32]) {
    assert_eq!(target.len(), source.len(), "lengths");
    let pieces = Pieces::new(target);
    for_each_chunk(source.len(), CHUNK, |range| {
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        let source = &source[range];
        simd.run(
            #[inline(always)]
            || target.iter_mut().zip(source).for_each(|(sum, value)| *sum += value),
        );
    });
}

/// Computes `target = first + second`.
pub fn add(simd: SimdLevel, [first, second]: [&[f32]; 2], target: &mut [f32]) {
    assert_eq!((first.len(), second.len()), (target.len(), target.len()), "lengths");
    let pieces = Pieces::new(target);
    for_each_chunk(first.len(), CHUNK, |range| {
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        let (first, second) = (&first[range.clone()], &second[range]);
        simd.run(
            #[inline(always)]
            || target.iter_mut().zip(first).zip(second).for_each(|((sum, first), second)| *sum = first + second),
        );
    });
}

/// Copies `source` to `target`.
pub fn copy(source: &[f32], target: &mut [f32]) {
    assert_eq!(source.len(), target.len(), "lengths");
    let pieces = Pieces::new(target);
    for_each_chunk(source.len(), CHUNK, |range| {
        // SAFETY: ranges of different tasks do not overlap.
        let target = unsafe { pieces.piece(range.clone()) };
        target.copy_from_slice(&source[range]);
    });
}

#[cfg(test)]
mod tests {
    use keel_testkit::deterministic_values;

    use super::*;

    #[test]
    fn sums_equal_plain_loops_at_every_level() {
        for simd in SimdLevel::available() {
            for length in [0, 1, 3, 7, 15, 17, 33, CHUNK - 1, CHUNK + 5] {
                let [first, second] = [1, 2].map(|seed| deterministic_values(seed, length, -1.0, 1.0));
                let expected: Vec<f32> = first.iter().zip(&second).map(|(first, second)| first + second).collect();
                let mut sum = vec![f32::NAN; length];
                add(simd, [&first, &second], &mut sum);
                assert_eq!(sum, expected, "{} {length}", simd.name());
                copy(&first, &mut sum);
                add_assign(simd, &mut sum, &second);
                assert_eq!(sum, expected, "{} {length}, in place", simd.name());
            }
        }
    }
}
