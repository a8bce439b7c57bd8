//! Remaining time and number of training runs.

use std::time::{Duration, Instant};

use super::{DoctorOptions, FINAL_SEEDS};

/// Number of training runs of the final comparison.
const FINAL_TRAININGS: u64 = 2 * FINAL_SEEDS;

/// Fraction of the time that the first training run may take before all of them are shortened.
const FIRST_SHARE: f64 = 0.08;

/// Time and number of training runs, used and allowed.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    began: Instant,
    seconds: f64,
    trainings: Option<u64>,
    /// Number of training runs that have begun.
    pub(super) used: u64,
    /// Seconds of the longest completed training run.
    longest: f64,
}

impl Budget {
    pub(super) fn new(options: &DoctorOptions) -> Self {
        Budget { began: Instant::now(), seconds: options.seconds, trainings: options.trainings, used: 0, longest: 0.0 }
    }

    /// Records a completed training run.
    pub(super) fn note(&mut self, seconds: f64) {
        self.longest = self.longest.max(seconds);
    }

    /// Returns the seconds since the beginning.
    pub(super) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Returns the remaining seconds of the whole budget.
    pub(super) fn seconds_left(&self) -> f64 {
        (self.seconds - self.elapsed()).max(0.0)
    }

    /// Returns the remaining number of training runs, if it is limited.
    pub(super) fn trainings_left(&self) -> Option<u64> {
        self.trainings.map(|trainings| trainings.saturating_sub(self.used))
    }

    /// Returns true if `trainings` more fit before the final comparison.
    pub(super) fn allows(&self, trainings: u64) -> bool {
        let time = self.seconds_left() > (trainings + FINAL_TRAININGS) as f64 * self.longest;
        let count = self.trainings.is_none_or(|limit| self.used + trainings + FINAL_TRAININGS <= limit);
        time && count
    }

    /// Returns the deadline of the first training run.
    pub(super) fn first_deadline(&self) -> Instant {
        self.began + Duration::from_secs_f64((FIRST_SHARE * self.seconds).min(1e9))
    }

    /// Returns the deadline of a training run of the search, which leaves time for the final comparison.
    pub(super) fn search_deadline(&self) -> Instant {
        let reserved = FINAL_TRAININGS as f64 * self.longest;
        self.began + Duration::from_secs_f64((self.seconds - reserved).clamp(0.0, 1e9))
    }
}
