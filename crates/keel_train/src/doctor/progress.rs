//! Progress of the doctor, for the person who watches.

use super::Story;
use crate::config::Config;

/// Watches the doctor; it prints nothing itself.
pub trait DoctorObserver: Send {
    /// A training begins.
    fn training(&mut self, place: &TrainingPlace<'_>);

    /// The story has a new part; `config` is the best one so far.
    fn story(&mut self, story: &Story, config: &Config);
}

impl DoctorObserver for () {
    fn training(&mut self, _place: &TrainingPlace<'_>) {}

    fn story(&mut self, _story: &Story, _config: &Config) {}
}

/// A training that begins.
#[derive(Debug, Clone, Copy)]
pub struct TrainingPlace<'a> {
    /// Its number, counted from 1.
    pub number: u64,
    /// Description of the training.
    pub what: &'a str,
    /// Its seed.
    pub seed: u64,
    /// Seconds left of the time.
    pub seconds_left: f64,
    /// Trainings left, where their number is limited.
    pub trainings_left: Option<u64>,
}
