//! Planning of a training run: its memory, its duration, its learning rate.

mod measured_step;
mod outline;
mod pace;
mod range_test;
mod rate_race;
mod scale_out;

pub use measured_step::StepSeconds;
pub use outline::Outline;
pub use pace::{Pace, Timing};
pub use range_test::{RangePoint, RangeTest};
pub use rate_race::{RateRace, Stretch, TriedRate, rate_race};
pub use scale_out::{Limit, RankStep, RankWork, Scaling};
