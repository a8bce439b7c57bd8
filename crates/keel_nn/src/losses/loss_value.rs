//! The loss of a batch.

/// The loss of a batch. Sums, weights and counts of several batches can be added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossValue {
    /// Sum over the samples, each already averaged over its outputs if the loss does that.
    pub sum: f64,
    /// Divisor of the sum: the number of samples, or the sum of their class weights.
    pub weight: f64,
    /// Number of correct predictions; 0 for regression.
    pub correct: usize,
    /// True if an output or the loss is NaN or infinite.
    pub non_finite: bool,
}

impl LossValue {
    /// Returns the mean; NaN without samples.
    pub fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    /// Adds another batch.
    pub fn add(&mut self, other: LossValue) {
        self.sum += other.sum;
        self.weight += other.weight;
        self.correct += other.correct;
        self.non_finite |= other.non_finite;
    }
}
