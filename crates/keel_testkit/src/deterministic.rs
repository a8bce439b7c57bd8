//! Deterministic values computed identically in Rust and Python, so that large weights and inputs need not be stored.
//!
//! Value `index` of stream `seed` is output number `index` of the generator splitmix64 (Steele, Lea and Flood, "Fast
//! splittable pseudorandom number generators", 2014) started at `seed`; its top 24 bits, divided by 2^24, are a number
//! in [0, 1). `tools/golden/deterministic.py` uses the same formula.

/// The increment of splitmix64: 2^64 divided by the golden ratio, made odd.
const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;
/// 2^24, the number of distinct values of a draw.
const LEVELS: u64 = 1 << 24;

/// Draws `len` values, uniform in `[low, high)`. Scaling is done in f64 and rounded once to f32, so the result is
/// bit-identical in every language with IEEE arithmetic. (Rounding can make a value equal to `high`.)
///
/// # Panics
/// Panics if `low` or `high` is not finite, or if `low > high`.
pub fn deterministic_values(seed: u64, len: usize, low: f32, high: f32) -> Vec<f32> {
    assert!(low.is_finite() && high.is_finite() && low <= high, "limits {low}..{high} are not a range");
    let (low, width) = (f64::from(low), f64::from(high) - f64::from(low));
    (0..len).map(|index| (low + width * unit(seed, index)) as f32).collect()
}

/// Draws `len` labels, uniform in `0..classes`.
pub fn deterministic_labels(seed: u64, len: usize, classes: usize) -> Vec<usize> {
    (0..len).map(|index| ((top_bits(seed, index) * classes as u64) / LEVELS) as usize).collect()
}

/// Returns the limit of the uniform initialisation with `fan_in` inputs: sqrt(6 / fan_in) (He et al. 2015), which gives
/// a variance of 2 / fan_in.
pub fn kaiming_limit(fan_in: usize) -> f32 {
    (6.0 / fan_in as f64).sqrt() as f32
}

fn unit(seed: u64, index: usize) -> f64 {
    top_bits(seed, index) as f64 / LEVELS as f64
}

fn top_bits(seed: u64, index: usize) -> u64 {
    let mut bits = seed.wrapping_add(INCREMENT.wrapping_mul(index as u64 + 1));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (bits ^ (bits >> 31)) >> 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_outputs_are_those_of_splitmix64() {
        // Published first outputs of splitmix64 with seed 0.
        let expected = [0xE220_A839_7B1D_CDAF_u64, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F];
        for (index, full) in expected.into_iter().enumerate() {
            assert_eq!(top_bits(0, index), full >> 40, "output {index}");
        }
    }

    #[test]
    fn values_stay_in_range_and_spread() {
        let values = deterministic_values(7, 10_000, -2.0, 6.0);
        assert!(values.iter().all(|value| (-2.0..=6.0).contains(value)));
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / 10_000.0;
        assert!((mean - 2.0).abs() < 0.1, "mean {mean}");
        assert_eq!(values[..10], deterministic_values(7, 10, -2.0, 6.0), "a prefix does not depend on the length");
        assert_ne!(values[..10], deterministic_values(8, 10, -2.0, 6.0)[..]);
        assert!(deterministic_values(7, 0, 0.0, 1.0).is_empty());
    }

    #[test]
    fn labels_cover_every_class_and_no_other() {
        let labels = deterministic_labels(3, 1000, 7);
        for class in 0..7 {
            let count = labels.iter().filter(|&&label| label == class).count();
            assert!((100..190).contains(&count), "class {class}: {count}");
        }
        assert!(labels.iter().all(|&label| label < 7));
    }
}
