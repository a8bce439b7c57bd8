//! Time and trainings that are left.

use std::time::{Duration, Instant};

use super::{DoctorOptions, FINAL_SEEDS};

/// Trainings of the comparison at the end.
const FINAL_TRAININGS: u64 = 2 * FINAL_SEEDS;

/// Share of the time that the first training may take before the trainings are cut.
const FIRST_SHARE: f64 = 0.08;

/// Time and trainings, used and allowed.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    began: Instant,
    seconds: f64,
    trainings: Option<u64>,
    /// Trainings begun.
    pub(super) used: u64,
    /// Seconds of the longest training that came to its end.
    longest: f64,
}

impl Budget {
    pub(super) fn new(options: &DoctorOptions) -> Self {
        Budget { began: Instant::now(), seconds: options.seconds, trainings: options.trainings, used: 0, longest: 0.0 }
    }

    /// Notes a training that came to its end.
    pub(super) fn note(&mut self, seconds: f64) {
        self.longest = self.longest.max(seconds);
    }

    /// Seconds since the beginning.
    pub(super) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Seconds left of all.
    pub(super) fn seconds_left(&self) -> f64 {
        (self.seconds - self.elapsed()).max(0.0)
    }

    /// Trainings left of all, where their number is limited.
    pub(super) fn trainings_left(&self) -> Option<u64> {
        self.trainings.map(|trainings| trainings.saturating_sub(self.used))
    }

    /// True if `trainings` more fit before the comparison at the end.
    pub(super) fn allows(&self, trainings: u64) -> bool {
        let time = self.seconds_left() > (trainings + FINAL_TRAININGS) as f64 * self.longest;
        let count = self.trainings.is_none_or(|limit| self.used + trainings + FINAL_TRAININGS <= limit);
        time && count
    }

    /// The instant the first training has to be over.
    pub(super) fn first_deadline(&self) -> Instant {
        self.began + Duration::from_secs_f64((FIRST_SHARE * self.seconds).min(1e9))
    }

    /// The instant a training of the search has to be over, so that time is left for the comparison at the end.
    pub(super) fn search_deadline(&self) -> Instant {
        let reserved = FINAL_TRAININGS as f64 * self.longest;
        self.began + Duration::from_secs_f64((self.seconds - reserved).clamp(0.0, 1e9))
    }
}
