//! Units that are identical at the start: the same incoming weights and the same gradient.

/// Tolerated difference between two units that compute the same, relative to the size of their values.
const TOLERANCE: f64 = 1e-5;

/// Returns the number of columns of `weights` and `gradient`, both `[fan_in, units]`, that equal another column in both, as far as
/// two random projections of each can distinguish them.
pub(super) fn identical_units(weights: &[f32], gradient: &[f32], units: usize) -> u64 {
    let mut signatures: Vec<[f64; 4]> = vec![[0.0; 4]; units];
    let (mut weight_size, mut gradient_size) = (0.0f64, 0.0f64);
    for (row, (weights, gradient)) in weights.chunks_exact(units).zip(gradient.chunks_exact(units)).enumerate() {
        let factors = [factor(2 * row), factor(2 * row + 1)];
        for (unit, signature) in signatures.iter_mut().enumerate() {
            let (weight, gradient) = (f64::from(weights[unit]), f64::from(gradient[unit]));
            (weight_size, gradient_size) = (weight_size.max(weight.abs()), gradient_size.max(gradient.abs()));
            for (index, factor) in factors.iter().enumerate() {
                signature[index] += factor * weight;
                signature[2 + index] += factor * gradient;
            }
        }
    }
    let rows = (weights.len() / units.max(1)) as f64;
    let tolerances =
        [weight_size, weight_size, gradient_size, gradient_size].map(|size| TOLERANCE * size * rows.sqrt());
    let same = |a: &[f64; 4], b: &[f64; 4]| (0..4).all(|index| (a[index] - b[index]).abs() <= tolerances[index]);
    signatures.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[2].total_cmp(&b[2])));
    let near = |index: usize| {
        let (before, after) = (index.checked_sub(1), (index + 1 < units).then_some(index + 1));
        before.into_iter().chain(after).any(|other| same(&signatures[index], &signatures[other]))
    };
    (0..units).filter(|&index| near(index)).count() as u64
}

/// Returns element `index` of a fixed sequence of numbers without pattern in [-1, 1].
fn factor(index: usize) -> f64 {
    let mixed = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 32) as f64 / f64::from(1u32 << 31)) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_units_alike_in_weights_and_gradient_count() {
        let constant = [0.1f32; 12];
        let varied: Vec<f32> = (0..12).map(|index| (index as f32 * 1.7).sin()).collect();
        assert_eq!(identical_units(&constant, &constant, 4), 4, "constant weights, one gradient");
        assert_eq!(identical_units(&[0.0; 12], &varied, 4), 0, "zero weights of a last layer");
        assert_eq!(identical_units(&varied, &[0.0; 12], 4), 0, "a zero scale behind it: no gradient yet");
        let mut twins = varied.clone();
        (0..3).for_each(|row| twins[row * 4 + 3] = twins[row * 4]);
        assert_eq!(identical_units(&twins, &twins, 4), 2);
        let rounded: Vec<f32> = constant.iter().enumerate().map(|(i, v)| v * (1.0 + 1e-7 * (i % 2) as f32)).collect();
        assert_eq!(identical_units(&constant, &rounded, 4), 4, "rounding of another column block");
    }
}
