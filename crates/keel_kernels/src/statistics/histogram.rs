//! Distribution of a tensor.

use std::ops::Range;

/// Counts the finite elements of `values` in equal bins of `range`, adding to `counts`; values outside are counted in the nearest
/// bin.
///
/// # Panics
/// If there are no bins, or the range is empty.
pub fn histogram(values: &[f32], range: Range<f32>, counts: &mut [u64]) {
    let Range { start: low, end: high } = range;
    assert!(!counts.is_empty() && low < high, "{} bins from {low} to {high}", counts.len());
    let last = (counts.len() - 1) as f64;
    let scale = counts.len() as f64 / (f64::from(high) - f64::from(low));
    for &value in values.iter().filter(|value| value.is_finite()) {
        let bin = ((f64::from(value) - f64::from(low)) * scale).clamp(0.0, last);
        counts[bin as usize] += 1;
    }
}
