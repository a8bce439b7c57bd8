//! The distribution of a tensor at one step.

use keel_kernels::statistics::histogram;

/// Bins of a histogram.
const BINS: usize = 64;

/// Values a distribution is made of, about: of a larger tensor, blocks spread evenly over it are looked at.
const SAMPLE: usize = 1 << 17;

/// Values of a block.
const BLOCK: usize = 1 << 12;

/// Histogram of a tensor's finite values over their range; of a sample of them, if there are many.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Index of the layer in the model description.
    pub layer: usize,
    /// `output`, `gradient`, or the role of a parameter: `weight`, `bias`, ….
    pub name: &'static str,
    /// Lower end of the first bin.
    pub low: f32,
    /// Upper end of the last bin.
    pub high: f32,
    /// Values in each of 64 equal bins.
    pub counts: Vec<u64>,
}

impl Distribution {
    /// The distribution of `values`; `None` if none of them is finite.
    pub(super) fn of(layer: usize, name: &'static str, values: &[f32]) -> Option<Self> {
        let sample = || values.chunks(BLOCK).step_by(values.len().div_ceil(SAMPLE).max(1));
        let finite = sample().flatten().copied().filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return None;
        }
        // A constant tensor gets a range around its value that single precision can tell apart.
        let margin = if low < high { 0.0 } else { low.abs().max(1.0) * 1e-3 };
        let (low, high) = ((low - margin).max(f32::MIN), (high + margin).min(f32::MAX));
        let mut counts = vec![0; BINS];
        sample().for_each(|block| histogram(block, (low, high), &mut counts));
        Some(Distribution { layer, name, low, high, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tensors_count_whole_and_of_large_ones_a_sample_with_the_same_shares() {
        let wave = |length: usize| (0..length).map(|index| ((index * 7919) % 1000) as f32).collect::<Vec<f32>>();
        for (length, counted) in [(1, 1), (SAMPLE, SAMPLE), (16 * SAMPLE, SAMPLE), (16 * SAMPLE + 1, 31 * BLOCK)] {
            let distribution = Distribution::of(0, "output", &wave(length)).unwrap();
            assert_eq!(distribution.counts.iter().sum::<u64>(), counted as u64, "{length}");
        }
        let distribution = Distribution::of(0, "output", &wave(16 * SAMPLE)).unwrap();
        let even = SAMPLE as f64 / BINS as f64;
        assert!(distribution.counts.iter().all(|&count| (count as f64 / even - 1.0).abs() < 0.1));
        assert_eq!(Distribution::of(0, "output", &[f32::NAN]), None);
    }
}
