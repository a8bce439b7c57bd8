//! The distribution of a tensor at one step.

use keel_kernels::SimdLevel;
use keel_kernels::statistics::{Limits, Signal, histogram, signal_chunk};

use super::sample::spread;

/// Number of bins of a histogram.
const BINS: usize = 64;

/// Approximate number of values of a histogram, in blocks of this size: of a larger tensor, evenly spread blocks are read.
const SAMPLE: usize = 1 << 15;
const BLOCK: usize = 1 << 10;

/// Histogram of a tensor's finite values over their range, or of a sample of them if there are many.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Lower end of the first bin.
    pub low: f32,
    /// Upper end of the last bin.
    pub high: f32,
    /// Number of values in each of 64 equal bins.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Returns the distribution of `values`; `None` if none of them is finite.
    pub(super) fn of(simd: SimdLevel, values: &[f32]) -> Option<Self> {
        let sample = spread(values, BLOCK, SAMPLE);
        let range = |block: &[f32]| {
            let part = simd.run(
                #[inline(always)]
                || signal_chunk(block, Limits::NONE),
            );
            Signal::combine(&[part]).range
        };
        let (low, high) = sample.clone().filter_map(range).reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)))?;
        // A constant tensor gets a range around its value that single precision can resolve.
        let margin = if low < high { 0.0 } else { low.abs().max(1.0) * 1e-3 };
        let (low, high) = ((low - margin).max(f32::MIN), (high + margin).min(f32::MAX));
        let mut counts = vec![0; BINS];
        sample.for_each(|block| histogram(block, low..high, &mut counts));
        Some(Histogram { low, high, counts })
    }
}

#[cfg(test)]
mod tests {
    use keel_kernels::simd::level;

    use super::*;

    #[test]
    fn small_tensors_count_whole_and_of_large_ones_a_sample_with_the_same_shares() {
        let wave = |length: usize| (0..length).map(|index| ((index * 7919) % 1000) as f32).collect::<Vec<f32>>();
        for (length, counted) in [(1, 1), (SAMPLE, SAMPLE), (15 * SAMPLE, SAMPLE), (16 * SAMPLE, 31 * BLOCK)] {
            let histogram = Histogram::of(level(), &wave(length)).unwrap();
            assert_eq!(histogram.counts.iter().sum::<u64>(), counted as u64, "{length}");
        }
        let histogram = Histogram::of(level(), &wave(15 * SAMPLE)).unwrap();
        let even = SAMPLE as f64 / BINS as f64;
        assert!(histogram.counts.iter().all(|&count| (count as f64 / even - 1.0).abs() < 0.1));
        assert_eq!(Histogram::of(level(), &[f32::NAN]), None);
    }
}
