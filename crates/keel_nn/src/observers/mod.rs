//! Observers of the nodes of a program: statistics, or copies of whole tensors.

mod statistics;
mod tape;

pub use statistics::{NodeStatistics, Statistics, Wanted};
pub use tape::Tape;
