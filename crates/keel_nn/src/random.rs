//! Random numbers that depend only on their purpose, not on the order of requests.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Names one stream of random numbers: the seed of a run mixed with every word that distinguishes streams (layer, epoch, step,
/// sample, …). Equal keys give equal numbers on every machine, in any order and with any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomKey(u64);

impl RandomKey {
    /// Creates the root key of a run.
    pub fn new(seed: u64) -> Self {
        RandomKey(mix(seed ^ 0x6b65_656c))
    }

    /// Returns the key of one part, which `word` distinguishes from its siblings.
    pub fn child(self, word: u64) -> Self {
        RandomKey(mix(self.0.wrapping_add(mix(word.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// Returns the key of a part with a name.
    pub fn named(self, name: &str) -> Self {
        name.bytes().fold(self.child(name.len() as u64), |key, byte| key.child(u64::from(byte)))
    }

    /// Returns a generator for long streams (initial weights).
    pub fn generator(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }

    /// Returns 64 random bits for `index`, cheap enough to draw one for every activation (dropout masks).
    #[inline(always)]
    pub fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// Applies the finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection whose output bits all depend on all input bits.
#[inline(always)]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_parts_differ_and_bits_are_balanced() {
        let root = RandomKey::new(0);
        let keys = [root, root.child(0), root.child(1), root.named("a"), root.named("b"), RandomKey::new(1)];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys[i + 1..].iter().all(|b| a != b));
        }
        let ones: u32 = (0..1000).map(|index| root.bits(index).count_ones()).sum();
        assert!((31_400..32_600).contains(&ones), "{ones} of 64000 bits set; five standard deviations are 632");
    }
}
