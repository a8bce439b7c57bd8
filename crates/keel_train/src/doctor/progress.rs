//! Progress of the doctor, for display.

use super::Story;
use crate::config::Config;

/// Observes the doctor; the doctor itself prints nothing.
pub trait DoctorObserver: Send {
    /// Called when a training run begins.
    fn training(&mut self, place: &TrainingPlace<'_>);

    /// Called when the story has a new entry; `config` is the best one so far.
    fn story(&mut self, story: &Story, config: &Config);
}

impl DoctorObserver for () {
    fn training(&mut self, _place: &TrainingPlace<'_>) {}

    fn story(&mut self, _story: &Story, _config: &Config) {}
}

/// A training run that begins.
#[derive(Debug, Clone, Copy)]
pub struct TrainingPlace<'a> {
    /// Number of the training run, counted from 1.
    pub number: u64,
    /// Description of what is trained.
    pub what: &'a str,
    /// Seed of the training run.
    pub seed: u64,
    /// Remaining seconds.
    pub seconds_left: f64,
    /// Remaining number of training runs, if it is limited.
    pub trainings_left: Option<u64>,
}
