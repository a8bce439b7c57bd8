//! Random streams: every draw in this crate comes from a stream fully identified by its purpose and position.
//!
//! A stream is ChaCha8 whose 256-bit key is the four 64-bit words `(seed, purpose, epoch, sample)`, little-endian. Two
//! different positions therefore have different keys, and ChaCha makes their streams independent. No stream is ever
//! shared or advanced across samples: the draws of a sample do not depend on threads, batches or history.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// Purpose of a stream. The discriminants are part of the reproducibility contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Division into training, validation and test split.
    Split = 1,
    /// Order of the samples of an epoch.
    Order = 2,
    /// Augmentation of one sample.
    Augmentation = 3,
    /// Points of a synthetic set.
    Synthetic = 4,
    /// Orientation of a sample in the first epoch.
    Mirroring = 5,
}

/// Returns the stream at `(seed, purpose, epoch, sample)`.
pub fn stream(seed: u64, purpose: Purpose, epoch: u64, sample: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, epoch, sample]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Draws a uniform integer in `0..limit`, without bias (multiply-shift with rejection; Lemire 2019). `limit` > 0.
pub fn below(stream: &mut ChaCha8Rng, limit: u64) -> u64 {
    debug_assert!(limit > 0);
    let rejected_below = limit.wrapping_neg() % limit;
    loop {
        let product = u128::from(stream.next_u64()) * u128::from(limit);
        if product as u64 >= rejected_below {
            return (product >> 64) as u64;
        }
    }
}

/// Draws a uniform number in `[0, 1)` with 53 random bits.
pub fn uniform(stream: &mut ChaCha8Rng) -> f64 {
    (stream.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Draws from the standard normal distribution.
pub fn normal(stream: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(stream)
}

/// Shuffles in place (Fisher-Yates from the back); the same stream always gives the same permutation.
pub fn shuffle<T>(stream: &mut ChaCha8Rng, values: &mut [T]) {
    for last in (1..values.len()).rev() {
        let other = below(stream, last as u64 + 1) as usize;
        values.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_in_every_word_and_repeat_exactly() {
        let first = |seed, purpose, epoch, sample| stream(seed, purpose, epoch, sample).next_u64();
        let reference = first(1, Purpose::Order, 2, 3);
        assert_eq!(reference, first(1, Purpose::Order, 2, 3));
        for other in [
            first(2, Purpose::Order, 2, 3),
            first(1, Purpose::Split, 2, 3),
            first(1, Purpose::Order, 3, 3),
            first(1, Purpose::Order, 2, 4),
        ] {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn below_is_uniform_and_stays_below() {
        let mut stream = stream(0, Purpose::Synthetic, 0, 0);
        let mut counts = [0usize; 7];
        for _ in 0..70_000 {
            counts[below(&mut stream, 7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
    }

    #[test]
    fn shuffle_is_a_permutation_for_sizes_0_1_2_and_101() {
        for length in [0usize, 1, 2, 101] {
            let mut values: Vec<usize> = (0..length).collect();
            shuffle(&mut stream(5, Purpose::Order, 0, 0), &mut values);
            let mut sorted = values.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..length).collect::<Vec<_>>());
            assert!(length < 3 || values != sorted);
        }
    }
}
