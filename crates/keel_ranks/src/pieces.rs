//! Splits long messages into shorter ones: MPI counts bytes with 31 bits.

use std::collections::BTreeMap;

use crate::error::RankError;
use crate::packet::{Header, Kind, Packet};

/// Maximum length of a message in bytes, including the header.
pub(crate) const LONGEST: usize = 1 << 30;

/// Splits a message longer than `longest` bytes into pieces; `number` is different for each message of a sender. Returns no pieces
/// if the message is short enough.
pub(crate) fn split(packet: &Packet, number: u64, longest: usize) -> Vec<Packet> {
    if packet.bytes().len() <= longest {
        return Vec::new();
    }
    let header = Header {
        kind: Kind::Piece,
        from: packet.header().from,
        sequence: number,
        detail: packet.bytes().len() as u64,
        step: 0,
    };
    let content = longest - crate::packet::HEADER_BYTES;
    let parts = packet.bytes().chunks(content).zip(0..);
    parts.map(|(part, step)| Packet::new(Header { step, ..header }, part)).collect()
}

/// Received pieces of incomplete messages.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// Pieces by sender and number of the message.
    messages: BTreeMap<(usize, u64), BTreeMap<u32, Packet>>,
}

impl Assembly {
    /// Processes a message. Returns it if it is complete, or the message that it completes.
    ///
    /// # Errors
    /// [`RankError::Mismatch`] if pieces do not form a message.
    pub(crate) fn take(&mut self, packet: Packet) -> Result<Option<Packet>, RankError> {
        let Header { kind, from, sequence, detail, step } = *packet.header();
        if kind != Kind::Piece {
            return Ok(Some(packet));
        }
        let pieces = self.messages.entry((from, sequence)).or_default();
        pieces.insert(step, packet);
        let arrived: usize = pieces.values().map(|piece| piece.content().len()).sum();
        if (arrived as u64) < detail {
            return Ok(None);
        }
        let pieces = self.messages.remove(&(from, sequence)).unwrap_or_default();
        let mut bytes = Vec::with_capacity(arrived);
        pieces.values().for_each(|piece| bytes.extend_from_slice(piece.content()));
        Packet::received(bytes).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_any_order_make_the_message() {
        let header = Header { kind: Kind::Sum, from: 3, sequence: 8, detail: 0, step: 1 };
        let content: Vec<u8> = (0..1000u32).map(|i| (i % 251) as u8).collect();
        let whole = Packet::new(header, &content);
        for longest in [33, 100, 516, 1031] {
            let mut pieces = split(&whole, 5, longest);
            assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.bytes().len() <= longest), "{longest}");
            pieces.rotate_left(1);
            let mut assembly = Assembly::default();
            let mut complete = Vec::new();
            for piece in pieces {
                complete.extend(assembly.take(piece).unwrap());
            }
            assert_eq!(complete, [Packet::new(header, &content)], "{longest}");
        }
        assert!(split(&whole, 5, 1032).is_empty());
    }
}
