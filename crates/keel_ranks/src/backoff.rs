//! Waiting between polls for messages: spins briefly, then yields, then sleeps, because there may be more ranks than cores.

use std::time::{Duration, Instant};

/// Number of polls in a tight loop.
const SPINS: u32 = 64;
/// Duration in which time slices are yielded; longer than a thread of another rank takes to wake up and answer.
const YIELDING: Duration = Duration::from_micros(200);
/// First sleep; each further one is twice as long.
const SHORTEST: Duration = Duration::from_micros(25);
/// Maximum sleep.
const LONGEST: Duration = Duration::from_micros(200);

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

    /// Waits briefly, longer each time. Returns true if it slept.
    pub(crate) fn wait(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        if self.looks < SPINS {
            std::hint::spin_loop();
            return false;
        }
        if self.looks == SPINS {
            self.yielding_since = Instant::now();
        }
        if self.yielding_since.elapsed() < YIELDING {
            std::thread::yield_now();
            return false;
        }
        std::thread::sleep(self.next_sleep);
        self.next_sleep = (self.next_sleep * 2).min(LONGEST);
        true
    }
}
