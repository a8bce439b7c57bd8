//! Waiting between looks for messages: spins shortly, then yields, then sleeps, because ranks may be more than cores.

use std::time::Duration;

/// Looks in a tight loop.
const SPINS: u32 = 64;
/// Looks after which the rest of a time slice is given away.
const YIELDS: u32 = 64;
/// First sleep; each further one is twice as long.
const SHORTEST: Duration = Duration::from_micros(25);
/// Longest sleep.
const LONGEST: Duration = Duration::from_micros(200);

/// Looks without success so far.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    looks: u32,
}

impl Backoff {
    /// Begins again with short waits: something happened.
    pub(crate) fn reset(&mut self) {
        self.looks = 0;
    }

    /// Waits a little, longer each time. Returns true if it slept.
    pub(crate) fn wait(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        match self.looks {
            ..=SPINS => std::hint::spin_loop(),
            looks if looks <= SPINS + YIELDS => std::thread::yield_now(),
            looks => {
                let doublings = (looks - SPINS - YIELDS - 1).min(8);
                std::thread::sleep((SHORTEST * 2u32.pow(doublings)).min(LONGEST));
                return true;
            }
        }
        false
    }
}
