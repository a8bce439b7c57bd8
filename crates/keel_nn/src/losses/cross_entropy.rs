//! Softmax and cross-entropy in one: L = -ln softmax(scores)[label], with gradient softmax(scores) - one_hot(label).
//!
//! Label smoothing e replaces the one-hot target by (1 - e) one_hot + e / classes (Szegedy et al. 2016). Class weights w
//! multiply each class's term, and the sum is divided by the sum of w[label] over the batch, as PyTorch does.

use keel_kernels::activation::exp;

use super::CatalogEntry;
use super::class_weights::ClassWeights;
use super::rows::{Sum, largest};
use super::softmax::{exponentials, maximum};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "cross_entropy",
    summary: "softmax and negative log-likelihood of the right class (label_smoothing 0)",
};

/// Settings of the loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrossEntropy<'a> {
    /// Number of classes.
    pub(super) classes: usize,
    /// Fraction of the target spread over all classes.
    pub(super) smoothing: f32,
    /// Weight of each class.
    pub(super) weights: ClassWeights<'a>,
}

/// The exponentials of a row of scores.
#[derive(Clone, Copy)]
struct Exponentials {
    /// Maximum of the scores, subtracted from each beforehand.
    shift: f32,
    /// Their sum.
    total: f32,
}

impl CrossEntropy<'_> {
    /// Returns the sum of the losses of these rows and, if `gradient` is not empty, writes their gradients times `scale`.
    #[inline(always)]
    pub(super) fn rows(self, outputs: &[f32], labels: &[u32], gradient: &mut [f32], scale: f32) -> Sum {
        let classes = self.classes;
        let mut sum = Sum::default();
        if gradient.is_empty() {
            for (row, &label) in outputs.chunks_exact(classes).zip(labels) {
                let shift = maximum(row);
                let total: f32 = row.iter().map(|&score| exp(score - shift)).sum();
                self.add_row(row, label as usize, Exponentials { shift, total }, &mut sum);
            }
            return sum;
        }
        exponentials(outputs, classes, gradient);
        let rows = outputs.chunks_exact(classes).zip(labels).zip(gradient.chunks_exact_mut(classes));
        for ((row, &label), gradient) in rows {
            let total: f32 = gradient.iter().sum();
            self.add_row(row, label as usize, Exponentials { shift: maximum(row), total }, &mut sum);
            self.row_gradient(label as usize, total, scale, gradient);
        }
        sum
    }

    /// Adds the loss of one row.
    #[inline(always)]
    fn add_row(self, row: &[f32], label: usize, exponentials: Exponentials, sum: &mut Sum) {
        let Exponentials { shift, total } = exponentials;
        let log_sum = f64::from(shift) + f64::from(total).ln();
        let negative_log = |class: usize| f64::from(self.weights.of(class)) * (log_sum - f64::from(row[class]));
        let smoothing = f64::from(self.smoothing);
        let mut loss = (1.0 - smoothing) * negative_log(label);
        if self.smoothing > 0.0 {
            loss += smoothing / self.classes as f64 * (0..self.classes).map(negative_log).sum::<f64>();
        }
        sum.loss += loss;
        sum.correct += usize::from(largest(row) == label);
    }

    /// Turns the exponentials of a row into its gradient: softmax times the sum of the target's weights, minus the target.
    #[inline(always)]
    fn row_gradient(self, label: usize, total: f32, scale: f32, row: &mut [f32]) {
        let label_share = (1.0 - self.smoothing) * self.weights.of(label);
        let spread = self.smoothing / self.classes as f32;
        let weight_sum = self.weights.sum(self.classes);
        let factor = scale * (label_share + spread * weight_sum) / total;
        row.iter_mut().for_each(|value| *value *= factor);
        if self.smoothing > 0.0 {
            for (class, value) in row.iter_mut().enumerate() {
                *value -= scale * spread * self.weights.of(class);
            }
        }
        row[label] -= scale * label_share;
    }
}
