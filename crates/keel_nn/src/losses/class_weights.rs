//! Class weights: every sample's loss is multiplied by the weight of its class, and the sum divided by the sum of the weights of
//! the labels of the batch, so that the loss remains a mean (PyTorch's `weight=`).

/// One weight per class; empty if all are 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassWeights<'a>(pub(super) &'a [f32]);

impl ClassWeights<'_> {
    /// Returns the weight of a class.
    #[inline(always)]
    pub(super) fn of(self, class: usize) -> f32 {
        if self.0.is_empty() { 1.0 } else { self.0[class] }
    }

    /// Returns the sum of the weights of the batch's labels.
    pub(super) fn total(self, labels: &[u32]) -> f64 {
        match self.0.is_empty() {
            true => labels.len() as f64,
            false => labels.iter().map(|&label| f64::from(self.0[label as usize])).sum(),
        }
    }

    /// Returns the sum of the weights of `classes` classes.
    pub(super) fn sum(self, classes: usize) -> f32 {
        if self.0.is_empty() { classes as f32 } else { self.0.iter().sum() }
    }
}
