//! A part of a tensor that stands for all of it.

/// Blocks of `block` values, spread evenly over `values`: all if it is no longer than `length`, else at most `length` values
/// and at least a third of that. They lie an odd number of blocks apart, so that they meet different places of the images in `values`.
pub(super) fn spread(values: &[f32], block: usize, length: usize) -> impl Iterator<Item = &[f32]> + Clone {
    let step = if values.len() <= length { 1 } else { values.len().div_ceil(length) | 1 };
    values.chunks(block).step_by(step)
}

#[cfg(test)]
mod tests {
    use super::*;

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
