//! Waiting between polls for messages: spins briefly, then yields, then sleeps, because there may be more ranks than cores.

use std::time::{Duration, Instant};

/// Number of polls in a tight loop.
const SPINS: u32 = 64;
/// Duration in which time slices are yielded; longer than a thread of another rank takes to wake up and answer.
const YIELDING: Duration = Duration::from_micros(200);
/// First sleep; each further one is twice as long.
const SHORTEST: Duration = Duration::from_micros(25);
/// Longest sleep while messages are awaited.
pub(crate) const LONGEST: Duration = Duration::from_micros(200);
/// Longest sleep while nothing but a question of another rank can come.
pub(crate) const LONGEST_IDLE: Duration = Duration::from_millis(1);

/// Number of unsuccessful polls so far.
#[derive(Debug)]
pub(crate) struct Backoff {
    looks: u32,
    /// Time of the first poll that did not spin.
    yielding_since: Instant,
    next_sleep: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { looks: 0, yielding_since: Instant::now(), next_sleep: SHORTEST }
    }
}

impl Backoff {
    /// Restarts with short waits after an event.
    pub(crate) fn reset(&mut self) {
        self.looks = 0;
        self.next_sleep = SHORTEST;
    }

    /// Waits a little; after some looks without success, returns the time to sleep before the next one instead: longer each
    /// time, `longest` at most.
    pub(crate) fn wait(&mut self, longest: Duration) -> Option<Duration> {
        self.looks = self.looks.saturating_add(1);
        if self.looks < SPINS {
            std::hint::spin_loop();
            return None;
        }
        if self.looks == SPINS {
            self.yielding_since = Instant::now();
        }
        if self.yielding_since.elapsed() < YIELDING {
            std::thread::yield_now();
            return None;
        }
        let sleep = self.next_sleep.min(longest);
        self.next_sleep = (sleep * 2).min(longest);
        Some(sleep)
    }
}
