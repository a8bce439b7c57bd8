//! The mean energy of a tensor, mean(x)² / mean(x²): 0 if it is centred, 1 if it is constant.

use keel_kernels::SimdLevel;
use keel_kernels::statistics::{Limits, Signal, SignalPart, signal_chunk};

use super::sample::spread;

/// Number of floats that are read of a tensor that is not measured otherwise, in blocks of this size.
const SAMPLE: usize = 16 * 1024;
const BLOCK: usize = 1024;

/// Returns the mean energy of a sample of `values`, computed on this thread: waking another would take longer. `parts` is a scratch
/// buffer that the first call allocates.
pub(super) fn sampled_energy(simd: SimdLevel, values: &[f32], parts: &mut Vec<SignalPart>) -> f32 {
    parts.clear();
    parts.extend(spread(values, BLOCK, SAMPLE).map(|block| {
        simd.run(
            #[inline(always)]
            || signal_chunk(block, Limits::NONE),
        )
    }));
    let sample = Signal::combine(parts);
    share_of_mean(sample.mean, sample.variance)
}

/// Returns the mean energy of a measured tensor from its statistics, in single precision.
pub(crate) fn mean_energy(signal: &Signal) -> f32 {
    share_of_mean(f64::from(signal.mean as f32), f64::from(signal.std() as f32).powi(2))
}

fn share_of_mean(mean: f64, variance: f64) -> f32 {
    let square = mean * mean;
    if square > 0.0 { (square / (square + variance)) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use keel_kernels::simd::level;

    use super::*;

    #[test]
    fn centred_values_have_none_and_constant_ones_nothing_else() {
        let wave = |length: usize, offset: f32| -> Vec<f32> {
            (0..length).map(|index| offset + if index % 2 == 0 { 1.0 } else { -1.0 }).collect()
        };
        for length in [2, SAMPLE, 10 * SAMPLE] {
            for (offset, expected) in [(0.0, 0.0), (1.0, 0.5), (1000.0, 1.0)] {
                let energy = sampled_energy(level(), &wave(length, offset), &mut Vec::new());
                assert!((energy - expected).abs() < 1e-3, "{length} around {offset}: {energy}");
            }
        }
        assert_eq!(sampled_energy(level(), &[], &mut Vec::new()), 0.0);
        let with_gaps: Vec<f32> = wave(64, 1.0).into_iter().chain([f32::NAN, f32::INFINITY]).collect();
        assert!((sampled_energy(level(), &with_gaps, &mut Vec::new()) - 0.5).abs() < 1e-3);
    }
}
