//! Health rules of neural network training: pure functions over measurements.
#![forbid(unsafe_code)]

mod finding;
pub mod measurement;
mod remedy;

pub use finding::{Evidence, Finding, FindingReference, Level};
pub use remedy::{Application, Remedy, describe_all};
