//! A batch that is divided among replicas of a network.

use std::fmt;
use std::ops::Range;

/// Connects a replica of a network with those that hold the other samples of its batch: layers that normalise over the batch
/// need sums over all of it, and gradients are sent while the backward pass goes on.
///
/// All replicas make the same calls in the same order.
pub trait BatchShares: fmt::Debug + Send {
    /// Gives the numbers `own` of this replica; returns those of every replica, in the same order everywhere.
    fn gather(&mut self, own: &[f64]) -> Vec<Vec<f64>>;

    /// Says that the backward pass has written `gradients[ready]`, with `gradients` laid out as the parameters. Ranges come from
    /// the last parameter to the first and leave no gap.
    fn gradients_ready(&mut self, gradients: &[f32], ready: Range<usize>) {
        let _ = (gradients, ready);
    }
}

/// The part of a batch that a replica holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchPart {
    /// Samples of the batch before this part.
    pub first_sample: usize,
    /// True if the only sample stands in for a part without any: it counts nowhere.
    pub stands_in: bool,
}

/// A part of a batch with its connection to the others.
#[derive(Debug)]
pub struct Division<'a> {
    /// The part.
    pub part: BatchPart,
    /// The replicas with the other parts.
    pub shares: &'a mut dyn BatchShares,
}

impl Division<'_> {
    /// The same, lent for a shorter time.
    pub fn reborrow(&mut self) -> Division<'_> {
        Division { part: self.part, shares: &mut *self.shares }
    }

    /// Number of samples of a call with `samples` that count in the batch.
    pub fn counted(&self, samples: usize) -> usize {
        if self.part.stands_in { 0 } else { samples }
    }
}
