//! Targets that outputs are compared with.

use std::ops::Range;

/// Kind of the targets of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One of this many classes.
    Classes(usize),
    /// This many values.
    Values(usize),
}

/// The targets of a batch.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// Class of each sample, `[batch]`.
    Classes(&'a [u32]),
    /// Values of each sample, `[batch, outputs]`.
    Values(&'a [f32]),
}

/// The targets of a batch, and the weight of each prediction.
///
/// The loss of a prediction is multiplied by its weight. The divisor of the sum does not depend on the weights, so that weights of
/// mean 1 over a training run do not change the size of its gradients.
#[derive(Clone, Copy, Debug)]
pub struct WeightedTargets<'a> {
    /// Targets of the batch.
    pub targets: Targets<'a>,
    /// Weight of each prediction, `[batch]`, 0 or more; empty if all are 1.
    pub weights: &'a [f32],
}

impl<'a> From<Targets<'a>> for WeightedTargets<'a> {
    fn from(targets: Targets<'a>) -> Self {
        WeightedTargets { targets, weights: &[] }
    }
}

impl<'a> WeightedTargets<'a> {
    /// Returns the weight of prediction `row`.
    pub fn weight(&self, row: usize) -> f32 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }
}

impl<'a> Targets<'a> {
    /// Returns the targets of some rows, each with `outputs` values.
    pub(super) fn rows(self, rows: Range<usize>, outputs: usize) -> Targets<'a> {
        match self {
            Targets::Classes(labels) => Targets::Classes(&labels[rows]),
            Targets::Values(values) => Targets::Values(&values[rows.start * outputs..rows.end * outputs]),
        }
    }

    /// Returns the labels; empty if the targets are values.
    pub fn labels(self) -> &'a [u32] {
        match self {
            Targets::Classes(labels) => labels,
            Targets::Values(_) => &[],
        }
    }

    /// Returns the values; empty if the targets are classes.
    pub fn values(self) -> &'a [f32] {
        match self {
            Targets::Classes(_) => &[],
            Targets::Values(values) => values,
        }
    }
}
