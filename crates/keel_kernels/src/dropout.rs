//! Inverted dropout: the mask is a function of the element's index, so that backward draws it again instead of reading it.

use crate::parallel::{Pieces, for_each_chunk};
use crate::simd::SimdLevel;

/// Number of floats per task; even, because two elements share a draw.
const CHUNK: usize = 16 * 1024;

/// Selection of the dropped values, and scale of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Values whose 32 random bits are below this are dropped: probability times 2^32.
    threshold: u32,
    /// 1 / (1 - probability).
    scale: f32,
}

impl Dropout {
    /// Creates a dropout with `probability` in `[0, 1)`.
    pub fn new(probability: f32) -> Self {
        assert!((0.0..1.0).contains(&probability), "probability {probability}");
        let threshold = (f64::from(probability) * 2f64.powi(32)) as u32;
        Dropout { threshold, scale: (1.0 / (1.0 - f64::from(probability))) as f32 }
    }

    /// Computes `output = input * scale`, zero where dropped. `bits(index)` returns the 64 random bits of elements `2 * index` and
    /// `2 * index + 1`; applied to a gradient with the same bits, this is the backward pass.
    pub fn apply(self, simd: SimdLevel, input: &[f32], bits: impl Fn(u64) -> u64 + Sync, output: &mut [f32]) {
        assert_eq!(input.len(), output.len(), "input and output");
        let pieces = Pieces::new(output);
        for_each_chunk(input.len(), CHUNK, |range| {
            // SAFETY: ranges of different tasks do not overlap.
            let output = unsafe { pieces.piece(range.clone()) };
            let (first, input) = (range.start as u64 / 2, &input[range]);
            simd.run(
                #[inline(always)]
                || self.apply_chunk(input, |pair| bits(first + pair), output),
            );
        });
    }

    #[inline(always)]
    fn apply_chunk(self, input: &[f32], bits: impl Fn(u64) -> u64, output: &mut [f32]) {
        let (pairs, rest) = input.as_chunks::<2>();
        let (targets, rest_target) = output.as_chunks_mut::<2>();
        for (pair, (input, output)) in pairs.iter().zip(targets).enumerate() {
            let bits = bits(pair as u64);
            *output = [self.element(input[0], bits as u32), self.element(input[1], (bits >> 32) as u32)];
        }
        if let (Some(input), Some(output)) = (rest.first(), rest_target.first_mut()) {
            *output = self.element(*input, bits(pairs.len() as u64) as u32);
        }
    }

    #[inline(always)]
    fn element(self, value: f32, bits: u32) -> f32 {
        if bits < self.threshold { 0.0 } else { value * self.scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_dropped_by_their_own_bits_at_every_level() {
        // Bits of both elements of a pair, on either side of the threshold of one half.
        let bits = |pair: u64| pair.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(pair as u32 % 64);
        for simd in SimdLevel::available() {
            for length in [0, 1, 2, 3, 7, 15, 17, 33, CHUNK - 1, CHUNK + 5] {
                let input: Vec<f32> = (0..length).map(|index| index as f32 + 0.5).collect();
                let mut output = vec![f32::NAN; length];
                Dropout::new(0.5).apply(simd, &input, bits, &mut output);
                for (index, (output, input)) in output.iter().zip(&input).enumerate() {
                    let own = (bits(index as u64 / 2) >> (32 * (index % 2))) as u32;
                    let expected = if own < 1 << 31 { 0.0 } else { 2.0 * input };
                    assert_eq!(*output, expected, "{} {length} [{index}]", simd.name());
                }
            }
        }
    }
}
