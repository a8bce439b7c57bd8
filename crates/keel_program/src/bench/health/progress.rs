//! Reports the progress of many training runs on standard error.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Time between two reports.
const INTERVAL: Duration = Duration::from_secs(5);

/// A counter of finished items, shared between threads.
#[derive(Debug)]
pub(super) struct Progress {
    noun: &'static str,
    planned: usize,
    note: fn(&str),
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    last_line: Instant,
}

impl Progress {
    /// Starts a counter of `planned` items; `noun` names them in the plural.
    pub(super) fn begin(noun: &'static str, planned: usize, note: fn(&str)) -> Self {
        let now = Instant::now();
        Progress { noun, planned, note, began: now, state: Mutex::new(State { done: 0, last_line: now }) }
    }

    /// Counts another item, and reports the progress if the last report is long enough ago.
    pub(super) fn done(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        if state.last_line.elapsed() >= INTERVAL || state.done == self.planned {
            state.last_line = Instant::now();
            (self.note)(&line(self.noun, self.planned, state.done, self.began.elapsed()));
        }
    }
}

fn line(noun: &str, planned: usize, done: usize, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let left = seconds / done as f64 * planned.saturating_sub(done) as f64;
    let rate = 60.0 * done as f64 / seconds;
    format!("{done} of {planned} {noun}, {rate:.0} a minute, about {} s left", left.ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_time_left() {
        assert_eq!(line("cases", 40, 10, Duration::from_secs(20)), "10 of 40 cases, 30 a minute, about 60 s left");
        assert_eq!(line("cases", 10, 10, Duration::from_secs(20)), "10 of 10 cases, 30 a minute, about 0 s left");
    }
}
