//! Predicted duration of exchanges, by the model of latency and bandwidth: a message of `b` bytes takes `α + b·β`, with the latency
//! `α` and `β = 1 / bandwidth`. Additions are ignored: they take a small part of the time on the networks considered here.
//!
//! Source: R. Thakur, R. Rabenseifner, W. Gropp, Optimization of Collective Communication Operations in MPICH, International
//! Journal of High Performance Computing Applications 19(1), 2005, sections 3 and 4. Formulas are for `p` ranks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::collectives::DIRECT_RANKS;

/// Latency of TCP over links up to 1 Gbit/s.
const LATENCY_OF_1_GBIT: Duration = Duration::from_micros(50);
/// Latency of TCP over links up to 25 Gbit/s.
const LATENCY_OF_25_GBIT: Duration = Duration::from_micros(30);
/// Latency of faster links, whose network cards access memory directly.
const LATENCY_OF_100_GBIT: Duration = Duration::from_micros(5);

/// A network in which each rank has one full-duplex link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Network {
    /// Duration of an empty message.
    pub latency: Duration,
    /// Bandwidth of a link in one direction.
    pub bytes_per_second: f64,
}

/// A text that does not describe a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown network `{text}`; expected a rate such as 1gbit, 10gbit, 25gbit or 100gbit, with a latency as in 25gbit,20us"
)]
pub struct UnknownNetwork {
    /// Text that was given.
    pub text: String,
}

impl FromStr for Network {
    type Err = UnknownNetwork;

    /// Parses `10gbit`, or `10gbit,20us` with the latency in `us` or `ms`. By default, the latency is 50 µs up to 1 Gbit/s and 30
    /// µs up to 25 Gbit/s, as for TCP, and 5 µs beyond.
    fn from_str(text: &str) -> Result<Self, UnknownNetwork> {
        let unknown = || UnknownNetwork { text: text.to_owned() };
        let (rate, latency) = match text.split_once(',') {
            Some((rate, latency)) => (rate.trim(), Some(latency.trim())),
            None => (text.trim(), None),
        };
        let gigabits = number(rate, "gbit").filter(|gigabits| *gigabits > 0.0).ok_or_else(unknown)?;
        let latency = match latency {
            None if gigabits <= 1.0 => LATENCY_OF_1_GBIT,
            None if gigabits <= 25.0 => LATENCY_OF_25_GBIT,
            None => LATENCY_OF_100_GBIT,
            Some(latency) => {
                let seconds = number(latency, "us").map(|us| us * 1e-6).or(number(latency, "ms").map(|ms| ms * 1e-3));
                seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(unknown)?
            }
        };
        Ok(Network { latency, bytes_per_second: gigabits * 1e9 / 8.0 })
    }
}

/// Returns the number before `unit`; `None` if `text` has another form.
fn number(text: &str, unit: &str) -> Option<f64> {
    let value: f64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
    value.is_finite().then_some(value)
}

/// Algorithm of a sum over ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Each rank sums a part of the values and sends the sums to all.
    Direct,
    /// Partners at halving, then doubling distances exchange parts.
    HalvingDoubling,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Algorithm::Direct => "direct exchange",
            Algorithm::HalvingDoubling => "recursive halving and doubling",
        })
    }
}

/// Returns the algorithm that this crate uses for sums over `size` ranks.
pub fn algorithm(size: usize) -> Algorithm {
    if size <= DIRECT_RANKS { Algorithm::Direct } else { Algorithm::HalvingDoubling }
}

impl Network {
    /// Returns the duration of a sum of `bytes` of values over `ranks`.
    pub fn all_reduce(&self, ranks: usize, bytes: u64) -> Duration {
        match algorithm(ranks) {
            Algorithm::Direct => self.all_reduce_direct(ranks, bytes),
            Algorithm::HalvingDoubling => self.all_reduce_halving_doubling(ranks, bytes),
        }
    }

    /// Returns the duration of a sum by direct exchange: `2α + 2 (p-1)/p b β`. The messages of a rank to the others are sent one
    /// after another, and their latencies overlap.
    pub fn all_reduce_direct(&self, ranks: usize, bytes: u64) -> Duration {
        self.time(if ranks > 1 { 2.0 } else { 0.0 }, 2.0 * others(ranks) * bytes as f64)
    }

    /// Returns the duration of a sum by a ring: `2 (p-1) α + 2 (p-1)/p b β`.
    pub fn all_reduce_ring(&self, ranks: usize, bytes: u64) -> Duration {
        self.time(2.0 * ranks.saturating_sub(1) as f64, 2.0 * others(ranks) * bytes as f64)
    }

    /// Returns the duration of a sum by recursive halving and doubling: `2 log2(q) α + 2 (q-1)/q b β` with the largest power of two
    /// `q ≤ p`; if `q < p`, ranks beyond `q` send all their values and receive the sums: `+ 2 α + 2 b β`.
    pub fn all_reduce_halving_doubling(&self, ranks: usize, bytes: u64) -> Duration {
        let levels = ranks.max(1).ilog2();
        let power = 1usize << levels;
        let extra = if power < ranks { 2.0 } else { 0.0 };
        self.time(2.0 * f64::from(levels) + extra, (2.0 * others(power) + extra) * bytes as f64)
    }

    /// Returns the duration of exchanging `bytes` of each rank with all: `α + (p-1) b β` directly, `ceil(log2 p) α + (p-1) b β` by
    /// dissemination (Bruck), whichever this crate uses.
    pub fn all_gather(&self, ranks: usize, bytes: u64) -> Duration {
        let latencies = match algorithm(ranks) {
            Algorithm::Direct => f64::from(u8::from(ranks > 1)),
            Algorithm::HalvingDoubling => f64::from(ranks.next_power_of_two().ilog2()),
        };
        self.time(latencies, ranks.saturating_sub(1) as f64 * bytes as f64)
    }

    fn time(&self, latencies: f64, bytes: f64) -> Duration {
        let seconds = latencies * self.latency.as_secs_f64() + bytes / self.bytes_per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// Returns the fraction of the values that belongs to other ranks: `(p-1)/p`.
fn others(ranks: usize) -> f64 {
    ranks.saturating_sub(1) as f64 / ranks.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read() {
        let cases = [
            ("1gbit", Some((50e-6, 1.25e8))),
            ("10gbit", Some((30e-6, 1.25e9))),
            ("25gbit", Some((30e-6, 3.125e9))),
            ("100gbit", Some((5e-6, 1.25e10))),
            ("25gbit,20us", Some((20e-6, 3.125e9))),
            ("0.5gbit, 1.5ms", Some((1.5e-3, 6.25e7))),
            ("", None),
            ("gbit", None),
            ("0gbit", None),
            ("-1gbit", None),
            ("NaNgbit", None),
            ("10", None),
            ("10gbit,", None),
            ("10gbit,20", None),
            ("10gbit,-3us", None),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Network>();
            let numbers = read.as_ref().ok().map(|network| (network.latency.as_secs_f64(), network.bytes_per_second));
            assert_eq!(numbers, expected, "{text}: {read:?}");
        }
    }

    #[test]
    fn times_follow_the_formulas() {
        let network = Network { latency: Duration::from_millis(1), bytes_per_second: 1e6 };
        let cases = [
            ("direct", network.all_reduce_direct(4, 1_000_000), 0.002 + 1.5),
            ("ring", network.all_reduce_ring(4, 1_000_000), 0.006 + 1.5),
            ("halving", network.all_reduce_halving_doubling(16, 1_000_000), 0.008 + 1.875),
            ("halving, extra", network.all_reduce_halving_doubling(5, 1_000_000), 0.006 + 3.5),
            ("gather of few", network.all_gather(8, 1000), 0.001 + 0.007),
            ("gather of many", network.all_gather(9, 1000), 0.004 + 0.008),
            ("of 8", network.all_reduce(8, 1_000_000), 0.002 + 1.75),
            ("of 16", network.all_reduce(16, 1_000_000), 0.008 + 1.875),
            ("alone", network.all_reduce(1, 1_000_000), 0.0),
            ("alone in a ring", network.all_reduce_ring(1, 1_000_000), 0.0),
            ("alone in a tree", network.all_reduce_halving_doubling(1, 1_000_000), 0.0),
            ("gather alone", network.all_gather(1, 1000), 0.0),
        ];
        for (name, time, seconds) in cases {
            assert!((time.as_secs_f64() - seconds).abs() < 1e-9, "{name}: {time:?}, not {seconds} s");
        }
    }
}
