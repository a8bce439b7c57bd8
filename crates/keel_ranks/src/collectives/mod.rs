//! Operations that all ranks take part in, as state machines on messages. Up to [`DIRECT_RANKS`] ranks send directly to each
//! other; more follow fixed trees.

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

/// A rank among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) rank: usize,
    pub(crate) size: usize,
}

impl Place {
    /// The other ranks, the next one first, so that not all ranks send to the same one at a time.
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
    /// An empty one for messages with the kind, sequence and detail of `header`.
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

/// An operation under way.
pub(crate) trait Operation: Send {
    /// Sends the first messages.
    fn start(&mut self, outbox: &mut Outbox);

    /// Takes a message of another rank and sends what follows from it.
    ///
    /// # Errors
    /// [`RankError::Mismatch`] for a message that does not belong here.
    fn receive(&mut self, packet: Arc<Packet>, outbox: &mut Outbox) -> Result<(), RankError>;

    /// Returns true if a message of `rank` is still to come.
    fn waits_for(&self, rank: usize) -> bool;

    /// Hands the result or the error to the caller.
    fn finish(self: Box<Self>, outcome: Result<(), RankError>);
}

/// Receiver of the sums of an operation.
pub(crate) type SumReply = Sender<Result<Vec<f32>, RankError>>;
/// Receiver of the bytes of all ranks.
pub(crate) type GatherReply = Sender<Result<Vec<Vec<u8>>, RankError>>;

/// Makes the sum over ranks of `values`.
pub(crate) fn sum(place: Place, values: Vec<f32>, reply: SumReply) -> Box<dyn Operation> {
    if place.size <= DIRECT_RANKS {
        Box::new(direct_sum::DirectSum::new(place, values, reply))
    } else {
        Box::new(recursive_sum::RecursiveSum::new(place, values, reply))
    }
}

/// Makes the exchange of every rank's bytes.
pub(crate) fn gather(place: Place, own: Vec<u8>, reply: GatherReply) -> Box<dyn Operation> {
    if place.size <= DIRECT_RANKS {
        Box::new(direct_gather::DirectGather::new(place, own, reply))
    } else {
        Box::new(dissemination::Dissemination::new(place, own, reply))
    }
}

/// Part `index` of `0..length` cut into `parts` of nearly the same length.
fn part(index: usize, parts: usize, length: usize) -> Range<usize> {
    let border = |index: usize| (index as u128 * length as u128 / parts as u128) as usize;
    border(index)..border(index + 1)
}

/// Hands a result to a caller, who may have stopped waiting.
fn answer<T>(reply: &Sender<Result<T, RankError>>, result: Result<T, RankError>) {
    let _ = reply.send(result);
}
