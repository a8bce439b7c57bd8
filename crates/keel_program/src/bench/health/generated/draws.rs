//! Random numbers for the generated data, the same on every machine.

use keel_nn::RandomKey;

/// A stream of draws, named after the data that it generates.
#[derive(Debug)]
pub(super) struct Draws {
    key: RandomKey,
    next: u64,
}

impl Draws {
    /// Starts the stream for the data `name`.
    pub(super) fn of(name: &str) -> Self {
        Draws { key: RandomKey::new(0).named(name), next: 0 }
    }

    /// Returns a number in [`low`, `high`).
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let bits = self.key.bits(self.next) >> 11;
        self.next += 1;
        low + (high - low) * (bits as f64 / (1_u64 << 53) as f64)
    }

    /// Returns a normally distributed number with mean 0 and standard deviation 1 (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(0.0, 1.0)).ln()).sqrt();
        radius * self.uniform(0.0, std::f64::consts::TAU).cos()
    }

    /// Returns `count` normally distributed numbers.
    pub(super) fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal()).collect()
    }

    /// Returns true with probability `share`.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.uniform(0.0, 1.0) < share
    }

    /// Shuffles `items`.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, (self.uniform(0.0, (index + 1) as f64) as usize).min(index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_repeatable_and_have_the_moments_they_should() {
        let mut draws = Draws::of("test");
        let normals = draws.normals(20_000);
        assert_eq!(normals, Draws::of("test").normals(20_000));
        assert_ne!(normals, Draws::of("another").normals(20_000));
        let mean = normals.iter().sum::<f64>() / 2e4;
        let variance = normals.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2e4;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "mean {mean}, variance {variance}");
        let mut order: Vec<usize> = (0..50).collect();
        draws.shuffle(&mut order);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
