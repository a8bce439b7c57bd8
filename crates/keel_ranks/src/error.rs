//! Errors of exchanges between ranks.

/// An error of an exchange between ranks. After the first one, every later operation of the rank returns the same error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RankError {
    /// A rank ended or panicked while others needed it.
    #[error("rank {rank} ended before the others; its own messages give the reason")]
    Lost {
        /// Number of the rank.
        rank: usize,
    },
    /// Ranks started different operations, or the same operation with different lengths.
    #[error("{what}; all ranks must run the same program with the same settings")]
    Mismatch {
        /// Description of both sides: rank, operation and length of each.
        what: String,
    },
    /// No usable MPI library was found.
    #[error(
        "no usable MPI library: {what}; install Open MPI (Debian: openmpi-bin, Fedora: openmpi, macOS: brew install open-mpi) \
         or set {variable} to the path of libmpi",
        variable = crate::variables::LIBRARY_VARIABLE
    )]
    Library {
        /// Libraries that were tried, with the reason of each failure.
        what: String,
    },
    /// A call of MPI failed.
    #[error("{call} failed: {what}")]
    Mpi {
        /// Name of the function.
        call: String,
        /// Error text of the library.
        what: String,
    },
    /// A rank that others waited for sent nothing.
    #[error(
        "rank {rank} has been silent for {seconds} s; if it is only slow, allow more with {variable}",
        variable = crate::variables::SILENCE_VARIABLE
    )]
    Silent {
        /// Number of the rank.
        rank: usize,
        /// Time without a message, in seconds.
        seconds: u64,
    },
}

/// Kinds of errors in messages between ranks.
const LOST: u8 = 0;
const MISMATCH: u8 = 1;
const SILENT: u8 = 2;

impl RankError {
    /// Serializes the error for the other ranks, as reported by rank `own`: kind, rank, seconds, text. For them, a failure of the
    /// rank's own library is the loss of the rank.
    pub(crate) fn to_bytes(&self, own: usize) -> Vec<u8> {
        let (kind, rank, seconds, text) = match self {
            RankError::Lost { rank } => (LOST, *rank, 0, ""),
            RankError::Mismatch { what } => (MISMATCH, 0, 0, what.as_str()),
            RankError::Silent { rank, seconds } => (SILENT, *rank, *seconds, ""),
            RankError::Library { .. } | RankError::Mpi { .. } => (LOST, own, 0, ""),
        };
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&(rank as u64).to_le_bytes());
        bytes.extend_from_slice(&seconds.to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// Reads the error that rank `from` reported; invalid bytes count as the loss of that rank.
    pub(crate) fn from_bytes(bytes: &[u8], from: usize) -> Self {
        let read = || {
            let (&[kind], rest) = bytes.split_first_chunk()?;
            let (rank, rest) = rest.split_first_chunk()?;
            let (seconds, text) = rest.split_first_chunk()?;
            let rank = usize::try_from(u64::from_le_bytes(*rank)).ok()?;
            match kind {
                LOST => Some(RankError::Lost { rank }),
                MISMATCH => Some(RankError::Mismatch { what: String::from_utf8_lossy(text).into_owned() }),
                SILENT => Some(RankError::Silent { rank, seconds: u64::from_le_bytes(*seconds) }),
                _ => None,
            }
        };
        read().unwrap_or(RankError::Lost { rank: from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_reach_other_ranks() {
        let mismatch = RankError::Mismatch { what: "rank 1 started barrier".to_owned() };
        for error in [RankError::Lost { rank: 7 }, mismatch, RankError::Silent { rank: 2, seconds: 600 }] {
            assert_eq!(RankError::from_bytes(&error.to_bytes(3), 3), error);
        }
        let own = RankError::Mpi { call: "MPI_Test".to_owned(), what: String::new() };
        assert_eq!(RankError::from_bytes(&own.to_bytes(3), 3), RankError::Lost { rank: 3 });
        assert_eq!(RankError::from_bytes(&[9, 9], 4), RankError::Lost { rank: 4 });
    }
}
