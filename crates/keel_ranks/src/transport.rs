//! The interface for transports of messages between ranks.

use std::sync::Arc;
use std::time::Duration;

use crate::error::RankError;
use crate::packet::Packet;

/// Transports messages of one rank; owned by its background thread. Messages between two ranks may overtake each other.
pub(crate) trait Transport {
    /// Sends a message to another rank without waiting for its arrival.
    fn send(&mut self, to: usize, packet: Arc<Packet>) -> Result<(), RankError>;

    /// Advances transfers in progress and returns the messages that have arrived completely.
    fn poll(&mut self) -> Result<Vec<Arc<Packet>>, RankError>;

    /// Returns true if outgoing messages need this rank to poll.
    fn is_sending(&self) -> bool;

    /// Returns true if a message has begun to arrive.
    fn is_receiving(&self) -> bool;

    /// Returns the time after the last event in which messages progress only while this rank polls, so that it should not sleep.
    fn eager_time(&self) -> Duration;

    /// Returns true if a rank must not end before all others do.
    fn ends_together(&self) -> bool;

    /// Closes the transport; `clean` if all ranks end without an error.
    fn close(&mut self, clean: bool);

    /// Ends the processes of all ranks.
    fn abort(&mut self, status: i32);
}
