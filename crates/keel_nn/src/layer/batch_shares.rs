//! A batch that is divided among replicas of a network.

use std::fmt;
use std::ops::Range;

/// Connects a replica of a network with those that hold the other samples of its batch: layers that normalise over the batch need
/// sums over the whole batch, and gradients are sent while the backward pass continues.
///
/// All replicas make the same calls in the same order.
pub trait BatchShares: fmt::Debug + Send {
    /// Sends the numbers `own` of this replica; returns those of every replica, in the same order on all of them.
    fn gather(&mut self, own: &[f64]) -> Vec<Vec<f64>>;

    /// Reports that the backward pass has written `gradients[ready]`, with `gradients` laid out like the parameters. Ranges come in
    /// descending order, from the last parameter to the first, without gaps.
    fn gradients_ready(&mut self, gradients: &[f32], ready: Range<usize>) {
        let _ = (gradients, ready);
    }
}

/// Part of a batch that a replica holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchPart {
    /// Number of samples of the batch before this part.
    pub first_sample: usize,
    /// True if the only sample is a placeholder for an empty part: it is not counted anywhere.
    pub stands_in: bool,
}

/// Part of a batch with the connection to the other parts.
#[derive(Debug)]
pub struct Division<'a> {
    /// Part of this replica.
    pub part: BatchPart,
    /// Connection to the replicas with the other parts.
    pub shares: &'a mut dyn BatchShares,
}

impl Division<'_> {
    /// Reborrows the division for a shorter lifetime.
    pub fn reborrow(&mut self) -> Division<'_> {
        Division { part: self.part, shares: &mut *self.shares }
    }

    /// Returns how many of the `samples` samples of a call count in the batch.
    pub fn counted(&self, samples: usize) -> usize {
        if self.part.stands_in { 0 } else { samples }
    }
}
