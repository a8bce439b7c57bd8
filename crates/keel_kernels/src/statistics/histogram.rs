//! Distribution of a tensor.

/// Counts the finite elements of `values` in equal bins between `low` and `high`, on top of what `counts` holds; what lies
/// outside goes to the nearest bin.
///
/// # Panics
/// If there is no bin, or `low` is not below `high`.
pub fn histogram(values: &[f32], (low, high): (f32, f32), counts: &mut [u64]) {
    assert!(!counts.is_empty() && low < high, "{} bins from {low} to {high}", counts.len());
    let last = (counts.len() - 1) as f64;
    let scale = counts.len() as f64 / (f64::from(high) - f64::from(low));
    for &value in values.iter().filter(|value| value.is_finite()) {
        let bin = ((f64::from(value) - f64::from(low)) * scale).clamp(0.0, last);
        counts[bin as usize] += 1;
    }
}
