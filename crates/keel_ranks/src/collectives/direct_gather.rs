//! Gathers every rank's bytes with one message from each rank to every other.

use std::sync::Arc;

use super::{GatherReply, Operation, Outbox, Place, answer};
use crate::error::RankError;
use crate::packet::Packet;

/// State of the exchange on one rank.
pub(super) struct DirectGather {
    place: Place,
    /// Bytes of each rank, `[size]`; `None` until they arrive.
    blocks: Vec<Option<Vec<u8>>>,
    reply: GatherReply,
}

impl DirectGather {
    pub(super) fn new(place: Place, own: Vec<u8>, reply: GatherReply) -> Self {
        let mut blocks: Vec<Option<Vec<u8>>> = vec![None; place.size];
        blocks[place.rank] = Some(own);
        DirectGather { place, blocks, reply }
    }
}

impl Operation for DirectGather {
    fn start(&mut self, outbox: &mut Outbox) {
        let own = self.blocks[self.place.rank].as_deref().unwrap_or_default();
        let packet = Packet::new(outbox.header(0), own);
        outbox.send_all(self.place.others(), packet);
    }

    fn receive(&mut self, packet: Arc<Packet>, _outbox: &mut Outbox) -> Result<(), RankError> {
        let block = &mut self.blocks[packet.header().from];
        if block.is_some() || packet.header().step != 0 {
            return Err(packet.unexpected());
        }
        *block = Some(packet.content().to_vec());
        Ok(())
    }

    fn waits_for(&self, rank: usize) -> bool {
        self.blocks[rank].is_none()
    }

    fn finish(self: Box<Self>, outcome: Result<(), RankError>) {
        let Self { blocks, reply, .. } = *self;
        answer(&reply, outcome.map(|()| blocks.into_iter().flatten().collect()));
    }
}
