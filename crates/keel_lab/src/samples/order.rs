//! Order in which samples are visited.

use keel_nn::RandomKey;

/// Sample indices in rounds, shuffled or in order.
pub(crate) struct Order {
    rest: Vec<usize>,
    samples: usize,
    round: u64,
    /// Key of the shuffles; `None` if samples keep their order.
    key: Option<RandomKey>,
}

impl Order {
    /// Creates an order of `samples` samples, reshuffled in every round.
    pub(crate) fn new(samples: usize, key: RandomKey) -> Self {
        Order { rest: Vec::new(), samples, round: 0, key: Some(key) }
    }

    /// Creates an order of `samples` samples, from the first to the last in every round.
    pub(crate) fn unshuffled(samples: usize) -> Self {
        Order { rest: Vec::new(), samples, round: 0, key: None }
    }

    /// Returns the next `count` samples; the rest of a round that is too short is dropped.
    pub(crate) fn next(&mut self, count: usize) -> Vec<usize> {
        let count = count.min(self.samples);
        if self.rest.len() < count {
            // Batches are taken from the end.
            self.rest = (0..self.samples).rev().collect();
            if let Some(key) = self.key {
                let key = key.child(self.round);
                self.rest.sort_by_key(|&sample| key.bits(sample as u64));
            }
            self.round += 1;
        }
        self.rest.split_off(self.rest.len() - count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_visits_each_sample_once() {
        let mut order = Order::new(10, RandomKey::new(2));
        let mut round: Vec<usize> = (0..2).flat_map(|_| order.next(5)).collect();
        let second: Vec<usize> = (0..2).flat_map(|_| order.next(5)).collect();
        assert_ne!(round, second);
        round.sort_unstable();
        assert_eq!(round, (0..10).collect::<Vec<_>>());
        assert_eq!(order.next(30).len(), 10);
    }

    #[test]
    fn unshuffled_rounds_begin_with_the_first_sample() {
        let mut order = Order::unshuffled(5);
        let batches: Vec<Vec<usize>> = (0..3).map(|_| order.next(2)).collect();
        assert_eq!(batches, [[1, 0], [3, 2], [1, 0]]);
    }
}
