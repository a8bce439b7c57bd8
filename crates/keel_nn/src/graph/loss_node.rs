//! The loss at the end of a graph.

use keel_kernels::SimdLevel;

use super::{NodeId, Place, Value};
use crate::losses::{Loss, LossValue, WeightedTargets};

/// Computes the loss from the network's outputs. Runs in training only, after all other nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct LossNode {
    /// Identifier in the graph, following those of all nodes.
    pub id: NodeId,
    /// Loss with its resolved settings, for one prediction.
    pub loss: Loss,
    /// Number of predictions that the network gives for each sample, stored one after the other: more than 1 for an ensemble.
    pub members: usize,
    /// The network's outputs, `[batch, members, outputs]`.
    pub input: Value,
    /// Config entry that it comes from.
    pub place: Place,
}

impl LossNode {
    /// Returns the loss of `outputs`, `[batch, members, outputs]`, computed at the SIMD level `simd`: the mean over samples and
    /// members. `targets` has one entry for each prediction.
    ///
    /// # Panics
    /// As described at [`Loss::evaluate`].
    pub fn value<'a>(&self, simd: SimdLevel, outputs: &[f32], targets: impl Into<WeightedTargets<'a>>) -> LossValue {
        self.loss.compute(simd, outputs, targets.into(), &mut [])
    }

    /// Returns the same loss as [`LossNode::value`], and writes to `gradient` the derivative of the sum of the members' mean losses
    /// with respect to `outputs`: each member learns independently.
    ///
    /// # Panics
    /// As described at [`Loss::forward_backward`].
    pub fn value_and_gradient<'a>(
        &self,
        simd: SimdLevel,
        outputs: &[f32],
        targets: impl Into<WeightedTargets<'a>>,
        gradient: &mut [f32],
    ) -> LossValue {
        assert_eq!(outputs.len(), gradient.len(), "lengths of outputs and gradient");
        let value = self.loss.compute(simd, outputs, targets.into(), gradient);
        if self.members > 1 {
            let factor = self.members as f32;
            gradient.iter_mut().for_each(|gradient| *gradient *= factor);
        }
        value
    }
}
