//! Ranks as threads of one process, optionally with the delays of a given network.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::collectives::Place;
use crate::cost::Network;
use crate::error::RankError;
use crate::member::{Member, communicate_by_member, silence};
use crate::packet::Packet;
use crate::transport::Transport;

/// Delays of messages: each rank has one outgoing link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Links {
    /// Time between the end of sending and the arrival.
    pub latency: Duration,
    /// Bandwidth of a rank's outgoing link, which carries one message at a time.
    pub bytes_per_second: f64,
}

impl From<Network> for Links {
    fn from(network: Network) -> Self {
        Links { latency: network.latency, bytes_per_second: network.bytes_per_second }
    }
}

/// A rank that is a thread of this process: pass each to a separate thread. A rank that is dropped, including by a panic, is lost
/// to the others.
#[derive(Debug)]
pub struct Threads {
    member: Member,
}

impl Threads {
    /// Creates `size` ranks whose messages arrive immediately; rank `r` is at index `r`.
    ///
    /// # Panics
    /// If the system cannot start a thread for each rank.
    pub fn group(size: usize) -> Vec<Threads> {
        group(size, None, silence())
    }

    /// Creates `size` ranks whose messages are delayed.
    ///
    /// # Panics
    /// If the bandwidth of `links` is not positive, or the system cannot start a thread for each rank.
    pub fn group_with(size: usize, links: Links) -> Vec<Threads> {
        assert!(
            links.bytes_per_second > 0.0,
            "links of {} bytes per second cannot carry messages",
            links.bytes_per_second
        );
        group(size, Some(links), silence())
    }
}

communicate_by_member!(Threads);

/// Creates a group of ranks that count others as lost after `silence`.
fn group(size: usize, links: Option<Links>, silence: Duration) -> Vec<Threads> {
    let inboxes: Arc<[Inbox]> = (0..size).map(|_| Inbox::default()).collect();
    let rank = |rank| {
        let post = Post { rank, inboxes: Arc::clone(&inboxes), links, free_at: Instant::now() };
        let connect = move || Ok((Place { rank, size }, post));
        let member = Member::spawn(&format!("rank {rank}"), silence, connect);
        Threads { member: member.unwrap_or_else(|error| panic!("rank {rank} of {size}: {error}")) }
    };
    (0..size).map(rank).collect()
}

/// Maximum duration of a message, so that sums on a very slow link do not overflow; longer than any silence.
const LONGEST_SENDING: Duration = Duration::from_secs(1 << 30);

/// Messages in transit to a rank.
type Inbox = Mutex<Vec<Arrival>>;

/// A message in transit.
struct Arrival {
    due: Instant,
    packet: Arc<Packet>,
}

/// The transport of one rank.
struct Post {
    rank: usize,
    /// Inbox of each rank, `[size]`.
    inboxes: Arc<[Inbox]>,
    links: Option<Links>,
    /// Time at which the outgoing link becomes free.
    free_at: Instant,
}

impl Transport for Post {
    fn send(&mut self, to: usize, packet: Arc<Packet>) -> Result<(), RankError> {
        let now = Instant::now();
        let due = self.links.map_or(now, |links| {
            let seconds = packet.bytes().len() as f64 / links.bytes_per_second;
            let sending = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_SENDING);
            self.free_at = self.free_at.max(now) + sending;
            self.free_at + links.latency
        });
        self.inboxes[to].lock().unwrap_or_else(PoisonError::into_inner).push(Arrival { due, packet });
        Ok(())
    }

    fn poll(&mut self) -> Result<Vec<Arc<Packet>>, RankError> {
        let now = Instant::now();
        let mut inbox = self.inboxes[self.rank].lock().unwrap_or_else(PoisonError::into_inner);
        Ok(inbox.extract_if(.., |arrival| arrival.due <= now).map(|arrival| arrival.packet).collect())
    }

    fn is_sending(&self) -> bool {
        false
    }

    fn is_receiving(&self) -> bool {
        false
    }

    fn eager_time(&self) -> Duration {
        Duration::ZERO
    }

    fn ends_together(&self) -> bool {
        false
    }

    fn close(&mut self, _clean: bool) {}

    fn abort(&mut self, status: i32) {
        std::process::exit(status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::communicator::Communicator;

    #[test]
    fn a_silent_rank_is_given_up_by_all_who_wait() {
        for size in [3, 12] {
            let mut ranks = group(size, None, Duration::from_secs(1));
            let silent = ranks.pop().unwrap();
            std::thread::scope(|scope| {
                let waiting: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || rank.barrier())).collect();
                for result in waiting {
                    let Err(RankError::Silent { rank, seconds }) = result.join().unwrap() else {
                        panic!("{size} ranks: no error of silence");
                    };
                    assert!(rank == size - 1 && seconds >= 1, "{size} ranks: rank {rank} silent for {seconds} s");
                }
            });
            drop(silent);
        }
    }
}
