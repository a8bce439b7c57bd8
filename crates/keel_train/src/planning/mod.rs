//! A training before it begins: what it will hold, how long it will take, which learning rate suits it.

mod outline;
mod pace;
mod range_test;
mod rate_race;

pub use outline::Outline;
pub use pace::{Pace, Timing};
pub use range_test::{RangePoint, RangeTest};
pub use rate_race::{RateRace, Stretch, TriedRate, rate_race};
