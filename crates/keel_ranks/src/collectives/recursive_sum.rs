//! Sums over many ranks by recursive halving and doubling (Rabenseifner; Thakur, Rabenseifner, Gropp 2005, section 4.5).
//!
//! With `p` the largest power of two not above the number of ranks, rank `p + i` first sends its values to rank `i` and finally
//! receives the sums from it. Among `p` ranks, partners at distance `p/2, p/4, … 1` exchange halves of their remaining part and add
//! them, then send the sums back in reverse order. Every number is summed by a tree of ranks that depends only on its position, so
//! that all ranks get the same bits.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::{Operation, Outbox, Place, SumReply, answer, part};
use crate::error::RankError;
use crate::packet::Packet;

/// Treatment of received values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Added,
    Copied,
}

/// An exchange with one partner; its messages have the same step number on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    number: u32,
    partner: usize,
    /// Range of values that are sent.
    sends: Option<Range<usize>>,
    /// Range of values that are received.
    receives: Option<(Range<usize>, Arrival)>,
}

/// State of the sum on one rank.
pub(super) struct RecursiveSum {
    values: Vec<f32>,
    steps: Vec<Step>,
    /// Index of the step that waits for its message.
    current: usize,
    /// Messages of later steps, by step.
    early: BTreeMap<u32, Arc<Packet>>,
    reply: SumReply,
}

impl RecursiveSum {
    pub(super) fn new(place: Place, values: Vec<f32>, reply: SumReply) -> Self {
        let steps = steps(place, values.len());
        RecursiveSum { values, steps, current: 0, early: BTreeMap::new(), reply }
    }

    /// Sends the values of the current step.
    fn send(&self, outbox: &mut Outbox) {
        if let Some(Step { number, partner, sends: Some(range), .. }) = self.steps.get(self.current) {
            outbox.send(*partner, Packet::of_values(outbox.header(*number), &self.values[range.clone()]));
        }
    }

    /// Executes steps until one waits for a message that has not arrived.
    fn advance(&mut self, outbox: &mut Outbox) -> Result<(), RankError> {
        while let Some(step) = self.steps.get(self.current) {
            if let Some((range, arrival)) = &step.receives {
                let Some(packet) = self.early.remove(&step.number) else { return Ok(()) };
                let arrived = packet.words(range.len())?.iter().map(|word| f32::from_le_bytes(*word));
                let values = self.values[range.clone()].iter_mut().zip(arrived);
                match arrival {
                    Arrival::Added => values.for_each(|(value, other)| *value += other),
                    Arrival::Copied => values.for_each(|(value, other)| *value = other),
                }
            }
            self.current += 1;
            self.send(outbox);
        }
        Ok(())
    }
}

impl Operation for RecursiveSum {
    fn start(&mut self, outbox: &mut Outbox) {
        self.send(outbox);
        if self.steps.first().is_some_and(|step| step.receives.is_none()) {
            self.current += 1;
            self.send(outbox);
        }
    }

    fn receive(&mut self, packet: Arc<Packet>, outbox: &mut Outbox) -> Result<(), RankError> {
        let header = *packet.header();
        let expected = self.steps[self.current.min(self.steps.len())..]
            .iter()
            .any(|step| step.number == header.step && step.partner == header.from && step.receives.is_some());
        if !expected || self.early.contains_key(&header.step) {
            return Err(packet.unexpected());
        }
        self.early.insert(header.step, packet);
        self.advance(outbox)
    }

    fn waits_for(&self, rank: usize) -> bool {
        let rest = self.steps.iter().skip(self.current);
        rest.filter(|step| step.partner == rank && step.receives.is_some())
            .any(|step| !self.early.contains_key(&step.number))
    }

    fn finish(self: Box<Self>, outcome: Result<(), RankError>) {
        let Self { values, reply, .. } = *self;
        answer(&reply, outcome.map(|()| values));
    }
}

/// Returns the steps of a rank for `length` values.
fn steps(place: Place, length: usize) -> Vec<Step> {
    let Place { rank, size } = place;
    let power = 1usize << size.ilog2();
    let levels = power.ilog2();
    let last = 2 * levels + 1;
    if rank >= power {
        let partner = rank - power;
        return vec![
            Step { number: 0, partner, sends: Some(0..length), receives: None },
            Step { number: last, partner, sends: None, receives: Some((0..length, Arrival::Copied)) },
        ];
    }
    let mut steps = Vec::new();
    let extra = Some(rank + power).filter(|extra| *extra < size);
    steps.extend(extra.map(|partner| Step {
        number: 0,
        partner,
        sends: None,
        receives: Some((0..length, Arrival::Added)),
    }));
    // Parts of the values, in units of `1 / power` of them.
    let values = |parts: &Range<usize>| part(parts.start, power, length).start..part(parts.end, power, length).start;
    let mut held = 0..power;
    let mut doubling = Vec::new();
    for level in 0..levels {
        let distance = power >> (level + 1);
        let middle = held.start + distance;
        let (lower, upper) = (held.start..middle, middle..held.end);
        let (own, other) = if rank & distance == 0 { (lower, upper) } else { (upper, lower) };
        let (sends, receives) = (values(&other), values(&own));
        let partner = rank ^ distance;
        doubling.push(Step {
            number: last - 1 - level,
            partner,
            sends: Some(receives.clone()),
            receives: Some((sends.clone(), Arrival::Copied)),
        });
        let receives = Some((receives, Arrival::Added));
        steps.push(Step { number: 1 + level, partner, sends: Some(sends), receives });
        held = own;
    }
    steps.extend(doubling.into_iter().rev());
    steps.extend(extra.map(|partner| Step { number: last, partner, sends: Some(0..length), receives: None }));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_a_sender_and_a_receiver_of_the_same_values() {
        for size in [9, 12, 16, 17, 31] {
            for length in [0, 1, 7, 1000] {
                let all: Vec<Vec<Step>> = (0..size).map(|rank| steps(Place { rank, size }, length)).collect();
                for (rank, steps) in all.iter().enumerate() {
                    for step in steps {
                        let partners = &all[step.partner];
                        let twin = partners.iter().find(|twin| twin.number == step.number && twin.partner == rank);
                        let twin = twin.unwrap_or_else(|| panic!("{size} ranks: {step:?} of {rank} has no partner"));
                        let received = twin.receives.as_ref().map(|(range, _)| range.clone());
                        assert_eq!(step.sends, received, "{size} ranks, {length} values, rank {rank}");
                    }
                }
            }
        }
    }
}
