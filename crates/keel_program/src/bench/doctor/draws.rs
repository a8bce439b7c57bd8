//! Random draws of the search: SplitMix64 (Steele, Lea & Flood 2014).

/// A stream of draws.
#[derive(Debug, Clone)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Draws(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns one of `choices`, which must not be empty.
    pub(super) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[(self.unit() * choices.len() as f64) as usize % choices.len()].clone()
    }

    /// Returns a number between `low` and `high`, both above 0, log-uniformly distributed.
    pub(super) fn logarithmic(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_fill_their_range_and_repeat_with_their_seed() {
        let draw = |seed: u64| {
            let mut draws = Draws::new(seed);
            (0..1000).map(|_| draws.logarithmic(1e-4, 1.0)).collect::<Vec<_>>()
        };
        let values = draw(1);
        assert_eq!(values, draw(1));
        assert!(values != draw(2) && values.iter().all(|value| (1e-4..=1.0).contains(value)));
        let below = values.iter().filter(|&&value| value < 1e-2).count();
        assert!((400..600).contains(&below), "half of them lie in the lower half of the logarithm: {below}");
    }
}
