//! Sums over few ranks: each rank owns a part of the values, adds the contributions of all ranks, and sends the sums to all.

use std::sync::Arc;

use super::{Operation, Outbox, Place, SumReply, answer, part};
use crate::error::RankError;
use crate::packet::Packet;

/// Message with a rank's values for the part of the receiver.
const SHARE: u32 = 0;
/// Message with the sums of the sender's part.
const TOTAL: u32 = 1;
/// Number of values added at a time, so that their sums stay in the cache.
const BLOCK: usize = 1024;

/// State of the sum on one rank.
pub(super) struct DirectSum {
    place: Place,
    /// Own values, replaced part by part with the sums, `[values]`.
    values: Vec<f32>,
    /// Messages with values for the own part, `[size]`.
    shares: Vec<Option<Arc<Packet>>>,
    /// For each rank, true if its sums have arrived, `[size]`.
    has_total: Vec<bool>,
    reply: SumReply,
}

impl DirectSum {
    pub(super) fn new(place: Place, values: Vec<f32>, reply: SumReply) -> Self {
        DirectSum { place, values, shares: vec![None; place.size], has_total: vec![false; place.size], reply }
    }

    /// Adds the own part over all ranks in rank order, in f64, and rounds once.
    fn add(&mut self) -> Result<(), RankError> {
        let Place { rank, size } = self.place;
        let own = part(rank, size, self.values.len());
        let mut shares = Vec::with_capacity(size);
        for packet in self.shares.iter().flatten() {
            shares.push(packet.words(own.len())?);
        }
        let mut sums = [0.0f64; BLOCK];
        for (index, block) in self.values[own].chunks_mut(BLOCK).enumerate() {
            let range = index * BLOCK..index * BLOCK + block.len();
            let sums = &mut sums[..block.len()];
            sums.fill(0.0);
            for other in 0..size {
                if other == rank {
                    sums.iter_mut().zip(block.iter()).for_each(|(sum, value)| *sum += f64::from(*value));
                } else {
                    let share = &shares[if other < rank { other } else { other - 1 }][range.clone()];
                    sums.iter_mut().zip(share).for_each(|(sum, word)| *sum += f64::from(f32::from_le_bytes(*word)));
                }
            }
            block.iter_mut().zip(sums).for_each(|(value, sum)| *value = *sum as f32);
        }
        Ok(())
    }
}

impl Operation for DirectSum {
    fn start(&mut self, outbox: &mut Outbox) {
        for other in self.place.others() {
            let share = &self.values[part(other, self.place.size, self.values.len())];
            outbox.send(other, Packet::of_values(outbox.header(SHARE), share));
        }
    }

    fn receive(&mut self, packet: Arc<Packet>, outbox: &mut Outbox) -> Result<(), RankError> {
        let Place { rank, size } = self.place;
        let from = packet.header().from;
        match packet.header().step {
            SHARE if self.shares[from].is_none() => {
                self.shares[from] = Some(packet);
                if self.place.others().all(|other| self.shares[other].is_some()) {
                    self.add()?;
                    self.has_total[rank] = true;
                    let own = &self.values[part(rank, size, self.values.len())];
                    outbox.send_all(self.place.others(), Packet::of_values(outbox.header(TOTAL), own));
                }
                Ok(())
            }
            TOTAL if !self.has_total[from] => {
                self.has_total[from] = true;
                let range = part(from, size, self.values.len());
                let totals = packet.words(range.len())?;
                self.values[range].iter_mut().zip(totals).for_each(|(value, word)| *value = f32::from_le_bytes(*word));
                Ok(())
            }
            _ => Err(packet.unexpected()),
        }
    }

    fn waits_for(&self, rank: usize) -> bool {
        if rank == self.place.rank { false } else { self.shares[rank].is_none() || !self.has_total[rank] }
    }

    fn finish(self: Box<Self>, outcome: Result<(), RankError>) {
        let Self { values, reply, .. } = *self;
        answer(&reply, outcome.map(|()| values));
    }
}
