//! Messages: a header that identifies the operation, and bytes.

use crate::error::RankError;

/// Version of the header layout; ranks of different versions cannot communicate.
const VERSION: u8 = 1;
/// Length of the header of every message in bytes.
pub(crate) const HEADER_BYTES: usize = 32;
/// Number of values converted to bytes at a time, in the cache.
const BLOCK: usize = 1024;

/// Kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `all_gather`.
    Gather,
    /// `all_reduce`; the detail is the number of values.
    Sum,
    /// `broadcast`; the detail is the root.
    Broadcast,
    /// `barrier`.
    Barrier,
    /// The sender has finished; the bytes are its error, if it had one.
    Goodbye,
    /// The sender cannot continue; the bytes are the error.
    Failure,
    /// The sender is alive and waits for others.
    Waiting,
    /// Piece of a message that is too long for one call of MPI.
    Piece,
    /// A question to one rank; the detail is its number.
    Question,
    /// The answer to the question whose number is the detail.
    Answer,
}

impl Kind {
    const ALL: [Kind; 10] = [
        Kind::Gather,
        Kind::Sum,
        Kind::Broadcast,
        Kind::Barrier,
        Kind::Goodbye,
        Kind::Failure,
        Kind::Waiting,
        Kind::Piece,
        Kind::Question,
        Kind::Answer,
    ];
}

/// Header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Rank of the sender.
    pub(crate) from: usize,
    /// Number of the operation, from 0; the same on all ranks.
    pub(crate) sequence: u64,
    /// Number on which all ranks must agree; its meaning depends on the kind.
    pub(crate) detail: u64,
    /// Number of the message within the operation, between this sender and this receiver.
    pub(crate) step: u32,
}

impl Header {
    /// Describes the operation for an error message.
    pub(crate) fn describe(&self) -> String {
        let Header { from, sequence, detail, .. } = self;
        let operation = match self.kind {
            Kind::Gather => "all_gather".to_owned(),
            Kind::Sum => format!("all_reduce of {detail} values"),
            Kind::Broadcast => format!("broadcast from rank {detail}"),
            Kind::Barrier => "barrier".to_owned(),
            Kind::Goodbye | Kind::Failure | Kind::Waiting | Kind::Piece | Kind::Question | Kind::Answer => {
                return format!("rank {from} sent {:?} {detail}", self.kind);
            }
        };
        format!("rank {from} started {operation} as its operation {sequence}")
    }

    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = VERSION;
        bytes[1] = self.kind as u8;
        bytes[4..8].copy_from_slice(&(self.from as u32).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.detail.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.step.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[version, kind], _) = bytes.split_first_chunk::<2>()?;
        if version != VERSION || bytes.len() < HEADER_BYTES {
            return None;
        }
        Some(Header {
            kind: *Kind::ALL.get(usize::from(kind))?,
            from: u32::from_le_bytes(bytes[4..8].try_into().ok()?) as usize,
            sequence: u64::from_le_bytes(bytes[8..16].try_into().ok()?),
            detail: u64::from_le_bytes(bytes[16..24].try_into().ok()?),
            step: u32::from_le_bytes(bytes[24..28].try_into().ok()?),
        })
    }
}

/// A message: header and bytes in one buffer, which is sent without copying.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    header: Header,
    bytes: Vec<u8>,
}

impl Packet {
    /// Creates a message with `content`.
    pub(crate) fn new(header: Header, content: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + content.len());
        bytes.extend_from_slice(&header.to_bytes());
        bytes.extend_from_slice(content);
        Packet { header, bytes }
    }

    /// Creates a message with `values`, as little-endian bytes.
    pub(crate) fn of_values(header: Header, values: &[f32]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 * values.len());
        bytes.extend_from_slice(&header.to_bytes());
        let mut words = [[0; 4]; BLOCK];
        for block in values.chunks(BLOCK) {
            words.iter_mut().zip(block).for_each(|(word, value)| *word = value.to_le_bytes());
            bytes.extend_from_slice(words[..block.len()].as_flattened());
        }
        Packet { header, bytes }
    }

    /// Reads a received message.
    ///
    /// # Errors
    /// [`RankError::Mismatch`] if it has no header of this version.
    pub(crate) fn received(bytes: Vec<u8>) -> Result<Self, RankError> {
        match Header::from_bytes(&bytes) {
            Some(header) => Ok(Packet { header, bytes }),
            None => Err(RankError::Mismatch { what: "a message of another version of the program arrived".to_owned() }),
        }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Returns header and content.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// Returns the content as the little-endian bytes of numbers, `[count]`.
    ///
    /// # Errors
    /// [`RankError::Mismatch`] if the content has a different length.
    pub(crate) fn words(&self, count: usize) -> Result<&[[u8; 4]], RankError> {
        let (words, rest) = self.content().as_chunks::<4>();
        if words.len() != count || !rest.is_empty() {
            return Err(self.unexpected());
        }
        Ok(words)
    }

    /// Returns the error for a message that is not expected here.
    pub(crate) fn unexpected(&self) -> RankError {
        let Header { step, .. } = self.header;
        let bytes = self.content().len();
        let what = format!("{}, and its message {step} of {bytes} bytes is not expected", self.header.describe());
        RankError::Mismatch { what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_way_through_bytes() {
        for kind in Kind::ALL {
            let header = Header { kind, from: 70_000, sequence: u64::MAX - 3, detail: 1 << 40, step: 9 };
            let packet = Packet::of_values(header, &[1.5, -0.0]);
            let read = Packet::received(packet.bytes().to_vec()).unwrap();
            assert_eq!(read, packet, "{kind:?}");
            assert_eq!(read.words(2).unwrap(), [1.5f32.to_le_bytes(), (-0.0f32).to_le_bytes()]);
            assert!(read.words(3).is_err());
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [vec![], vec![VERSION], vec![VERSION; HEADER_BYTES - 1], vec![VERSION + 1; 64], vec![1, 99, 0, 0]]
        {
            assert!(Packet::received(bytes.clone()).is_err(), "{bytes:?}");
        }
    }
}
