//! Mean and variance of the values that a norm normalises together.

/// Mean and variance of some values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    /// Sum divided by the count.
    pub(super) mean: f64,
    /// Mean squared distance from the mean: the biased variance.
    pub(super) variance: f64,
}

impl Moments {
    /// Returns the moments of `x` at `indices`.
    pub(super) fn of(x: &[f64], indices: &[usize]) -> Self {
        let count = indices.len() as f64;
        let mean = indices.iter().map(|&index| x[index]).sum::<f64>() / count;
        let variance = indices.iter().map(|&index| (x[index] - mean).powi(2)).sum::<f64>() / count;
        Moments { mean, variance }
    }
}
