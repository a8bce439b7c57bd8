//! Weights of classes: every sample's loss is multiplied by its class's weight, and the sum divided by the sum of the
//! weights of the batch's labels, so that the loss stays a mean (PyTorch's `weight=`).

/// One weight per class, or none: 1 each.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassWeights<'a>(pub(super) &'a [f32]);

impl ClassWeights<'_> {
    /// The weight of a class.
    #[inline(always)]
    pub(super) fn of(self, class: usize) -> f32 {
        if self.0.is_empty() { 1.0 } else { self.0[class] }
    }

    /// Sum of the weights of the batch's labels.
    pub(super) fn total(self, labels: &[u32]) -> f64 {
        match self.0.is_empty() {
            true => labels.len() as f64,
            false => labels.iter().map(|&label| f64::from(self.0[label as usize])).sum(),
        }
    }

    /// Sum of the weights of `classes` classes.
    pub(super) fn sum(self, classes: usize) -> f32 {
        if self.0.is_empty() { classes as f32 } else { self.0.iter().sum() }
    }
}
