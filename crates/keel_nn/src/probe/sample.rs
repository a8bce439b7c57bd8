//! A sample that represents a whole tensor.

/// Returns blocks of `block` values, spread evenly over `values`: all if it is no longer than `length`, otherwise at most `length`
/// values and at least a third of that. They are an odd number of blocks apart, so that they cover different positions of the
/// images in `values`.
pub(super) fn spread(values: &[f32], block: usize, length: usize) -> impl Iterator<Item = &[f32]> + Clone {
    let step = if values.len() <= length { 1 } else { values.len().div_ceil(length) | 1 };
    values.chunks(block).step_by(step)
}

/// Number of values read of a tensor that is not measured completely, because it has more than twice as many.
const LOOKED_AT: usize = 8 * 1024;

/// Minimum number of samples that are read, unless they have more than [`MOST_VALUES`] values.
const LEAST_SAMPLES: usize = 16;

/// Maximum number of values that are read of more than [`FEWEST_SAMPLES`] samples: large images show much of a layer in each of them.
const MOST_VALUES: usize = 1 << 19;

/// Minimum number of samples that are read of any length.
const FEWEST_SAMPLES: usize = 2;

/// Returns the number of samples, from the first, that are measured of `samples` with `length` values each: all of them if there
/// are few values. Training batches are shuffled, so the first samples represent all.
pub(super) fn measured_samples(length: usize, samples: usize) -> usize {
    let length_or_one = length.max(1);
    let least = (MOST_VALUES / length_or_one).clamp(FEWEST_SAMPLES, LEAST_SAMPLES);
    let wanted = (LOOKED_AT / length_or_one).max(least);
    if length * samples <= 2 * LOOKED_AT { samples } else { wanted.min(samples) }
}

/// Returns the measured samples of `values` `[samples, ...]`.
pub(super) fn first_samples(values: &[f32], samples: usize) -> &[f32] {
    let length = values.len() / samples.max(1);
    &values[..measured_samples(length, samples) * length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_looked_at_whole_and_of_many_the_first_samples() {
        for (samples, length, expected) in [
            (1, 100_000, 1),
            (16, 1024, 16),
            (33, 1024, 16),
            (163, 100, 163),
            (164, 100, 81),
            (1024, 16, 1024),
            (4096, 512, 16),
            (128, 256, 32),
            (1638, 10, 1638),
            (10_000, 10, 819),
            (64, 32_768, 16),
            (64, 32_769, 15),
            (8, 100_000, 5),
            (64, 262_144, 2),
            (64, 1_000_000, 2),
            (3, 0, 3),
        ] {
            let values = vec![0.0; samples * length];
            assert_eq!(first_samples(&values, samples).len(), expected * length, "{samples} samples of {length}");
        }
    }

    #[test]
    fn small_tensors_are_whole_and_of_large_ones_every_place_of_an_image_is_met() {
        for length in [0, 1, 255, 256] {
            let values = vec![1.0; length];
            assert_eq!(spread(&values, 16, 256).flatten().count(), length);
        }
        // 64 images of four blocks.
        let values: Vec<f32> = (0..64 * 64).map(|index| (index % 64 / 16) as f32).collect();
        let counts =
            [0.0, 1.0, 2.0, 3.0].map(|place| spread(&values, 16, 256).flatten().filter(|&&v| v == place).count());
        assert!(counts.iter().all(|&count| count >= 48), "{counts:?}");
        assert!((192..=256).contains(&counts.iter().sum::<usize>()), "{counts:?}");
    }
}
