//! Losses in f64: value and gradient of a batch.
//!
//! Every value is a mean: over the samples, each multiplied by the weight of its class, and, if the targets are values or the
//! questions of bce, over the outputs of a sample as well. The own weight of a sample multiplies its loss but is not part of the
//! divisor.

mod bce;
mod cross_entropy;
mod hinge;
mod huber;
mod mse;

use crate::losses::{Loss, LossSpec, Targets, WeightedTargets};

/// One batch.
#[derive(Clone, Copy, Debug)]
pub struct LossCall<'a> {
    /// Outputs of the network, `[batch, width]`.
    pub outputs: &'a [f64],
    /// Number of outputs of one sample.
    pub width: usize,
    /// Targets of the batch.
    pub targets: Targets<'a>,
    /// Weight of each class; empty if all are 1.
    pub class_weights: &'a [f32],
    /// Weight of each sample; empty if all are 1.
    pub weights: &'a [f32],
}

/// Value of a loss and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct LossGradient {
    /// Mean loss of the batch.
    pub value: f64,
    /// Gradient of the mean with respect to the outputs, `[batch, width]`.
    pub gradient: Vec<f64>,
}

/// Computes `loss` of `outputs`, `[batch, width]`; returns `None` for a custom loss, which is its own definition.
pub fn evaluate<'a>(loss: &Loss, outputs: &[f64], targets: impl Into<WeightedTargets<'a>>) -> Option<LossGradient> {
    let call = LossCall::new(loss, outputs, targets.into());
    match loss.spec() {
        LossSpec::CrossEntropy { label_smoothing } => Some(cross_entropy::evaluate(call, f64::from(*label_smoothing))),
        LossSpec::Hinge {} => Some(hinge::evaluate(call)),
        LossSpec::Mse {} => Some(mse::evaluate(call)),
        LossSpec::Huber { delta } => Some(huber::evaluate(call, f64::from(*delta))),
        LossSpec::Bce {} => Some(bce::evaluate(call)),
        LossSpec::Custom(_) => None,
    }
}

/// Returns the branch that each term of `loss` comes from, as
/// [`Definition::branches`](crate::reference::Definition::branches) does for an operation.
pub fn branches<'a>(loss: &Loss, outputs: &[f64], targets: impl Into<WeightedTargets<'a>>) -> Vec<u32> {
    let call = LossCall::new(loss, outputs, targets.into());
    match loss.spec() {
        LossSpec::Hinge {} => hinge::branches(call),
        _ => Vec::new(),
    }
}

impl<'a> LossCall<'a> {
    fn new(loss: &'a Loss, outputs: &'a [f64], weighted: WeightedTargets<'a>) -> Self {
        let WeightedTargets { targets, weights } = weighted;
        LossCall { outputs, width: loss.outputs(), targets, class_weights: loss.class_weights(), weights }
    }

    /// Returns the number of samples.
    fn batch(&self) -> usize {
        self.outputs.len() / self.width
    }

    /// Returns the weight of a class.
    fn class_weight(&self, class: usize) -> f64 {
        self.class_weights.get(class).map_or(1.0, |&weight| f64::from(weight))
    }

    /// Returns the weight of the class of sample `n`, or 1 if its targets are values.
    fn weight_of_class(&self, n: usize) -> f64 {
        self.targets.labels().get(n).map_or(1.0, |&label| self.class_weight(label as usize))
    }

    /// Returns the own weight of sample `n`.
    fn own_weight(&self, n: usize) -> f64 {
        self.weights.get(n).map_or(1.0, |&weight| f64::from(weight))
    }

    /// Returns the factor of the loss of sample `n`: the weight of its class times its own weight.
    fn sample_weight(&self, n: usize) -> f64 {
        self.weight_of_class(n) * self.own_weight(n)
    }

    /// Returns the divisor of the sum: the sum of the weights of the classes of all samples.
    fn total_weight(&self) -> f64 {
        (0..self.batch()).map(|n| self.weight_of_class(n)).sum()
    }
}
