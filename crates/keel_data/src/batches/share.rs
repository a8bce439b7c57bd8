//! The part of every batch that one replica trains on.

use std::ops::Range;

/// One of `size` shares of every batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Index of the share, below `size`.
    pub rank: usize,
    /// Number of shares.
    pub size: usize,
}

impl Share {
    /// The only share.
    pub const WHOLE: Share = Share { rank: 0, size: 1 };

    /// Returns the positions of this share's samples in a batch of `samples`. Shares follow one another in rank order
    /// and differ by at most two samples (three if the last pair is half empty). Each starts at an even position, since
    /// random numbers are drawn for pairs of values.
    pub fn range(self, samples: usize) -> Range<usize> {
        let pairs = samples.div_ceil(2);
        let start = |rank: usize| (2 * (rank * pairs / self.size)).min(samples);
        start(self.rank)..start(self.rank + 1)
    }
}

impl Default for Share {
    fn default() -> Self {
        Share::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_one_another_and_are_nearly_equal() {
        for size in 1..=9 {
            for samples in 0..70 {
                let ranges: Vec<Range<usize>> = (0..size).map(|rank| Share { rank, size }.range(samples)).collect();
                assert_eq!((ranges[0].start, ranges[size - 1].end), (0, samples), "{size} {samples}");
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
                assert!(ranges.iter().all(|range| range.is_empty() || range.start % 2 == 0), "{ranges:?}");
                let lengths = || ranges.iter().map(Range::len);
                assert!(lengths().max().unwrap() <= lengths().min().unwrap() + 3, "{ranges:?}");
            }
        }
        assert_eq!(Share::WHOLE.range(7), 0..7);
        assert_eq!(Share { rank: 1, size: 2 }.range(6), 2..6);
    }
}
