//! Gathers every rank's bytes among many ranks in `ceil(log2(size))` rounds (Bruck et al. 1997): in round `k`, a rank sends its
//! blocks to the rank `2^k` before it, and receives as many from the rank `2^k` after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{GatherReply, Operation, Outbox, Place, answer};
use crate::error::RankError;
use crate::packet::Packet;

/// State of the exchange on one rank.
pub(super) struct Dissemination {
    place: Place,
    /// Blocks of this rank and of the following ones, in that order.
    blocks: Vec<Vec<u8>>,
    round: u32,
    /// Messages of later rounds, by round.
    early: BTreeMap<u32, Arc<Packet>>,
    reply: GatherReply,
}

impl Dissemination {
    pub(super) fn new(place: Place, own: Vec<u8>, reply: GatherReply) -> Self {
        Dissemination { place, blocks: vec![own], round: 0, early: BTreeMap::new(), reply }
    }

    /// Returns the number of rounds.
    fn rounds(&self) -> u32 {
        self.place.size.next_power_of_two().ilog2()
    }

    /// Returns the rank from which this one receives in `round`.
    fn source(&self, round: u32) -> usize {
        (self.place.rank + (1 << round)) % self.place.size
    }

    /// Returns the number of blocks that are sent in the current round.
    fn count(&self) -> usize {
        let distance = 1 << self.round;
        distance.min(self.place.size - distance)
    }

    fn send(&self, outbox: &mut Outbox) {
        if self.round == self.rounds() {
            return;
        }
        let Place { rank, size } = self.place;
        let mut content = Vec::new();
        for block in &self.blocks[..self.count()] {
            content.extend_from_slice(&(block.len() as u64).to_le_bytes());
            content.extend_from_slice(block);
        }
        let to = (rank + size - (1 << self.round)) % size;
        outbox.send(to, Packet::new(outbox.header(self.round), &content));
    }
}

impl Operation for Dissemination {
    fn start(&mut self, outbox: &mut Outbox) {
        self.send(outbox);
    }

    fn receive(&mut self, packet: Arc<Packet>, outbox: &mut Outbox) -> Result<(), RankError> {
        let (round, from) = (packet.header().step, packet.header().from);
        let expected = (self.round..self.rounds()).contains(&round) && from == self.source(round);
        if !expected || self.early.contains_key(&round) {
            return Err(packet.unexpected());
        }
        self.early.insert(round, packet);
        while let Some(packet) = self.early.remove(&self.round) {
            let blocks = blocks(packet.content()).filter(|blocks| blocks.len() == self.count());
            self.blocks.extend(blocks.ok_or_else(|| packet.unexpected())?);
            self.round += 1;
            self.send(outbox);
        }
        Ok(())
    }

    fn waits_for(&self, rank: usize) -> bool {
        (self.round..self.rounds()).any(|round| self.source(round) == rank && !self.early.contains_key(&round))
    }

    fn finish(self: Box<Self>, outcome: Result<(), RankError>) {
        let Self { place, mut blocks, reply, .. } = *self;
        if outcome.is_ok() {
            blocks.rotate_right(place.rank);
        }
        answer(&reply, outcome.map(|()| blocks));
    }
}

/// Reads blocks, each preceded by its length; `None` if the bytes are not such blocks.
fn blocks(mut content: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut blocks = Vec::new();
    while !content.is_empty() {
        let (length, rest) = content.split_first_chunk::<8>()?;
        let (block, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        blocks.push(block.to_vec());
        content = rest;
    }
    Some(blocks)
}
