//! Collective operations of all ranks, as state machines on messages. Up to [`DIRECT_RANKS`] ranks send directly to each other;
//! more use fixed trees.

mod direct_gather;
mod direct_sum;
mod dissemination;
mod recursive_sum;

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::error::RankError;
use crate::packet::{Header, Packet};

/// Maximum number of ranks that exchange directly.
pub(crate) const DIRECT_RANKS: usize = 8;

/// Position of a rank in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) rank: usize,
    pub(crate) size: usize,
}

impl Place {
    /// Iterates over the other ranks, starting with the next one, so that not all ranks send to the same one at the same time.
    pub(crate) fn others(self) -> impl Iterator<Item = usize> {
        (1..self.size).map(move |distance| (self.rank + distance) % self.size)
    }
}

/// Messages that an operation sends.
#[derive(Debug)]
pub(crate) struct Outbox {
    header: Header,
    messages: Vec<(usize, Arc<Packet>)>,
}

impl Outbox {
    /// Creates an empty outbox for messages with the kind, sequence and detail of `header`.
    pub(crate) fn new(header: Header) -> Self {
        Outbox { header, messages: Vec::new() }
    }

    /// Empties the outbox.
    pub(crate) fn take(&mut self) -> Vec<(usize, Arc<Packet>)> {
        std::mem::take(&mut self.messages)
    }

    fn header(&self, step: u32) -> Header {
        Header { step, ..self.header }
    }

    fn send(&mut self, to: usize, packet: Packet) {
        self.messages.push((to, Arc::new(packet)));
    }

    /// Sends one message to all `ranks`.
    fn send_all(&mut self, ranks: impl Iterator<Item = usize>, packet: Packet) {
        let packet = Arc::new(packet);
        self.messages.extend(ranks.map(|to| (to, Arc::clone(&packet))));
    }
}

/// An operation in progress.
pub(crate) trait Operation: Send {
    /// Sends the first messages.
    fn start(&mut self, outbox: &mut Outbox);

    /// Processes a message of another rank and sends the resulting messages.
    ///
    /// # Errors
    /// [`RankError::Mismatch`] for a message that does not belong to the operation.
    fn receive(&mut self, packet: Arc<Packet>, outbox: &mut Outbox) -> Result<(), RankError>;

    /// Returns true if a message of `rank` is still expected.
    fn waits_for(&self, rank: usize) -> bool;

    /// Passes the result or the error to the caller.
    fn finish(self: Box<Self>, outcome: Result<(), RankError>);
}

/// Channel for the sums of an operation.
pub(crate) type SumReply = Sender<Result<Vec<f32>, RankError>>;
/// Channel for the bytes of all ranks.
pub(crate) type GatherReply = Sender<Result<Vec<Vec<u8>>, RankError>>;

/// Creates the sum of `values` over ranks.
pub(crate) fn sum(place: Place, values: Vec<f32>, reply: SumReply) -> Box<dyn Operation> {
    if place.size <= DIRECT_RANKS {
        Box::new(direct_sum::DirectSum::new(place, values, reply))
    } else {
        Box::new(recursive_sum::RecursiveSum::new(place, values, reply))
    }
}

/// Creates the exchange of every rank's bytes.
pub(crate) fn gather(place: Place, own: Vec<u8>, reply: GatherReply) -> Box<dyn Operation> {
    if place.size <= DIRECT_RANKS {
        Box::new(direct_gather::DirectGather::new(place, own, reply))
    } else {
        Box::new(dissemination::Dissemination::new(place, own, reply))
    }
}

/// Returns part `index` of `0..length` split into `parts` of nearly the same length.
fn part(index: usize, parts: usize, length: usize) -> Range<usize> {
    let border = |index: usize| (index as u128 * length as u128 / parts as u128) as usize;
    border(index)..border(index + 1)
}

/// Passes a result to a caller, which may have stopped waiting.
fn answer<T>(reply: &Sender<Result<T, RankError>>, result: Result<T, RankError>) {
    let _ = reply.send(result);
}
