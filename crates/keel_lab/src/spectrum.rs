//! Largest eigenvalues of the second moments of a set of vectors.

/// Returns the `count` largest eigenvalues of `transpose(x) x / samples`, largest first, for `values`,
/// `[samples, features]`: the curvatures of the squared error of a linear unit. Returns fewer if there are fewer
/// features.
///
/// Uses orthogonal iteration from fixed starting vectors; close eigenvalues are accurate to a few per cent.
pub(crate) fn largest_second_moments(values: &[f32], features: usize, count: usize) -> Vec<f64> {
    const ROUNDS: usize = 40;
    let count = count.min(features);
    let mut axes: Vec<Vec<f64>> = (0..count).map(|axis| start(axis, features)).collect();
    orthonormalise(&mut axes);
    let mut lengths = Vec::new();
    for _ in 0..ROUNDS {
        for axis in &mut axes {
            *axis = apply(values, axis);
        }
        lengths = orthonormalise(&mut axes);
    }
    lengths.sort_by(|a, b| b.total_cmp(a));
    lengths
}

/// Returns a starting vector that is not orthogonal to any axis in practice.
fn start(axis: usize, features: usize) -> Vec<f64> {
    (0..features).map(|feature| 1.0 + ((feature * (2 * axis + 3) + axis) as f64 * 0.7).sin()).collect()
}

/// Computes `transpose(x) (x axis) / samples`.
fn apply(values: &[f32], axis: &[f64]) -> Vec<f64> {
    let mut result = vec![0.0; axis.len()];
    for row in values.chunks_exact(axis.len()) {
        let product: f64 = row.iter().zip(axis).map(|(&value, &axis)| f64::from(value) * axis).sum();
        for (result, &value) in result.iter_mut().zip(row) {
            *result += product * f64::from(value);
        }
    }
    let samples = (values.len() / axis.len()).max(1) as f64;
    result.iter().map(|value| value / samples).collect()
}

/// Orthonormalises the axes one after another; returns their previous lengths.
fn orthonormalise(axes: &mut [Vec<f64>]) -> Vec<f64> {
    let mut lengths = Vec::with_capacity(axes.len());
    for index in 0..axes.len() {
        let (before, rest) = axes.split_at_mut(index);
        let axis = &mut rest[0];
        for other in before {
            let product: f64 = axis.iter().zip(other.iter()).map(|(a, b)| a * b).sum();
            axis.iter_mut().zip(other.iter()).for_each(|(a, b)| *a -= product * b);
        }
        let length = axis.iter().map(|value| value * value).sum::<f64>().sqrt();
        lengths.push(length);
        axis.iter_mut().for_each(|value| *value /= length.max(f64::MIN_POSITIVE));
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_axes_of_known_length() {
        // Four vectors along the axes: the second moments are diagonal.
        let values = [4.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let moments = largest_second_moments(&values, 3, 10);
        for (moment, expected) in moments.iter().zip([4.0, 1.0, 0.25]) {
            assert!((moment - expected).abs() < 1e-9, "{moments:?}");
        }
        assert_eq!(moments.len(), 3);
    }
}
