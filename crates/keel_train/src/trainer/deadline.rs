//! Time limit of a training run: a run that is slower than measured is shortened while it runs, since completing the learning
//! rate schedule is worth more than a few more epochs.

use std::time::Instant;

/// Fraction of the remaining time that is planned for.
const PLANNED_SHARE: f64 = 0.97;

/// Fraction of the time limit between two checks.
const INTERVAL_SHARE: f64 = 0.03;

/// Number of steps after which the time per step is known well enough.
const WARM_STEPS: u64 = 4;

/// Number of steps below which a run is not shortened within its first epoch: it would have learned nothing, and can be resumed
/// instead.
const LEAST_STEPS: u64 = 300;

/// Progress of a training run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Number of steps done.
    pub(super) step: u64,
    /// Number of steps done in the current epoch.
    pub(super) step_in_epoch: u64,
    /// Number of steps per epoch.
    pub(super) steps_per_epoch: u64,
    /// Number of steps planned.
    pub(super) total_steps: u64,
}

/// Deadline of a training run with a time limit.
#[derive(Debug)]
pub(super) struct Deadline {
    /// Time limit in seconds after `began`.
    limit: f64,
    began: Instant,
    /// Seconds spent on evaluation and checkpoint at the end of an epoch.
    overhead: f64,
    /// Total seconds of all such overheads so far.
    overheads: f64,
    /// False for a resumed run, which keeps its planned length.
    may_shorten: bool,
    /// Number of steps done before the current start.
    first_step: Option<u64>,
    next_look: f64,
}

impl Deadline {
    /// Creates a deadline `limit` seconds after `began`; the end of an epoch is assumed to take `overhead` seconds until it is
    /// measured.
    pub(super) fn new(limit: f64, began: Instant, overhead: f64) -> Self {
        let next_look = INTERVAL_SHARE * limit;
        Deadline { limit, began, overhead, overheads: 0.0, may_shorten: true, first_step: None, next_look }
    }

    /// Returns the deadline for a resumed run, which is stopped at the limit but not shortened.
    pub(super) fn of_resumed(self) -> Self {
        Deadline { may_shorten: false, ..self }
    }

    /// Returns true once the time limit is reached.
    pub(super) fn has_passed(&self) -> bool {
        self.began.elapsed().as_secs_f64() >= self.limit
    }

    /// Records the end of an epoch, which took `seconds`.
    pub(super) fn epoch_ended(&mut self, seconds: f64) {
        self.overhead = seconds;
        self.overheads += seconds;
    }

    /// Returns the number of steps to shorten the run to, if fewer than planned fit. Called after each step.
    pub(super) fn shorter(&mut self, place: Place) -> Option<u64> {
        self.shorter_after(self.began.elapsed().as_secs_f64(), place)
    }

    fn shorter_after(&mut self, elapsed: f64, place: Place) -> Option<u64> {
        let first = *self.first_step.get_or_insert(place.step.saturating_sub(1));
        let done = place.step - first;
        if !self.may_shorten || elapsed < self.next_look || done < WARM_STEPS {
            return None;
        }
        self.next_look = elapsed + INTERVAL_SHARE * self.limit;
        let each = (elapsed - self.overheads).max(0.0) / done as f64;
        let left = self.limit - elapsed;
        let seconds = |steps: u64| {
            let ends = (place.step_in_epoch + steps).div_ceil(place.steps_per_epoch);
            steps as f64 * each + ends as f64 * self.overhead
        };
        let planned = place.total_steps.saturating_sub(place.step);
        if seconds(planned) <= left {
            return None;
        }
        let fitting = largest(planned, |steps| seconds(steps) <= PLANNED_SHARE * left).max(1);
        // Round down to whole epochs, so that the last evaluation follows the last sample, unless less than one epoch is left.
        let to_epoch_end = place.steps_per_epoch - place.step_in_epoch % place.steps_per_epoch;
        let steps = match fitting.checked_sub(to_epoch_end) {
            Some(beyond) => to_epoch_end + beyond / place.steps_per_epoch * place.steps_per_epoch,
            None => fitting,
        };
        let total = place.step + steps;
        let is_worth_it = total >= place.steps_per_epoch.min(LEAST_STEPS);
        Some(total).filter(|&total| is_worth_it && total < place.total_steps)
    }
}

/// Returns the largest number up to `most` for which `fits` is true; 0 if there is none. `fits` must be monotonic.
fn largest(most: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadline of 100 s that has seen the first step.
    fn deadline() -> Deadline {
        let mut deadline = Deadline::new(100.0, Instant::now(), 1.0);
        assert_eq!(deadline.shorter_after(0.1, place(1)), None);
        deadline
    }

    /// Ten epochs of ten steps.
    fn place(step: u64) -> Place {
        Place { step, step_in_epoch: step % 10, steps_per_epoch: 10, total_steps: 100 }
    }

    #[test]
    fn a_training_in_time_is_left_alone() {
        // 0.8 s a step and 1 s an epoch: 90 s.
        assert_eq!(deadline().shorter_after(8.0, place(10)), None);
    }

    #[test]
    fn a_training_that_goes_on_keeps_its_length() {
        assert_eq!(deadline().of_resumed().shorter_after(13.0, place(10)), None);
        assert!(deadline().shorter_after(13.0, place(10)).is_some());
    }

    #[test]
    fn a_slow_training_is_cut_to_whole_epochs() {
        let mut slow = deadline();
        slow.epoch_ended(1.0);
        // 1.2 s a step: an epoch takes 13 s, and 87 s are left.
        assert_eq!(slow.shorter_after(13.0, place(10)), Some(70));
        assert_eq!(slow.shorter_after(13.5, place(10)), None, "the next look comes later");
    }

    #[test]
    fn less_than_an_epoch_is_cut_to_steps() {
        // 0.1 s a step: of the 50 s left, 475 steps and the end of an epoch fit.
        let long = Place { step: 500, step_in_epoch: 500, steps_per_epoch: 1_000, total_steps: 10_000 };
        assert_eq!(deadline().shorter_after(50.0, long), Some(975));
        // 6 s a step, and a second epoch has begun: one more step.
        assert_eq!(deadline().shorter_after(90.0, place(15)), Some(16));
        // Four steps of the first epoch are too few: the run is stopped at the limit and can be resumed.
        assert_eq!(deadline().shorter_after(50.0, place(5)), None);
    }

    #[test]
    fn the_largest_that_fits_is_found() {
        for most in 0..20 {
            for limit in 0..25 {
                assert_eq!(largest(most, |steps| steps <= limit), most.min(limit));
            }
        }
    }
}
