//! A schedule during training: the learning rate of every step.

use serde::{Deserialize, Serialize};

use super::ScheduleConfig;
use super::definition::Horizon;
use super::plateau_state::PlateauState;

/// A training run that was shortened while it ran: the rest of its schedule is compressed into fewer steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shortened {
    /// First step of the shortened rest.
    from: u64,
    /// Position of that step in the planned schedule, in steps.
    at: f64,
    /// Number of steps of the shortened training run.
    total_steps: u64,
}

/// A schedule during training: a pure function of the step, except for the small state of `reduce_on_plateau` and of a
/// shortened training run.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    config: ScheduleConfig,
    peak: f64,
    horizon: Horizon,
    plateau: PlateauState,
    shortened: Option<Shortened>,
}

impl Schedule {
    /// Creates a schedule whose maximum learning rate is `peak`.
    pub fn new(config: &ScheduleConfig, peak: f64, horizon: Horizon) -> Self {
        Schedule { config: config.clone(), peak, horizon, plateau: PlateauState::default(), shortened: None }
    }

    /// Returns the learning rate of `step`, counted from 0.
    ///
    /// Over the first `warmup_steps` it rises linearly from `peak / warmup_steps`; the schedule itself covers the rest.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let step = self.place_of(step) as u64;
        let warmup = self.config.definition().warmup_steps();
        if step < warmup {
            return self.peak * (step + 1) as f64 / warmup as f64;
        }
        let (step, total) = (step - warmup, self.horizon.total_steps.saturating_sub(warmup));
        let horizon = Horizon { total_steps: total, ..self.horizon };
        self.peak * self.config.definition().factor_at(step, horizon, &self.plateau)
    }

    /// Passes the validation loss at the end of each epoch; has no effect unless the schedule reacts to it.
    pub fn epoch_ended(&mut self, validation_loss: f64) {
        self.config.definition().epoch_ended(&mut self.plateau, validation_loss);
    }

    /// Returns the state for a checkpoint.
    pub fn state(&self) -> &PlateauState {
        &self.plateau
    }

    /// Restores the results of [`Schedule::state`] and [`Schedule::shortened`].
    pub fn restore(&mut self, state: PlateauState, shortened: Option<Shortened>) {
        (self.plateau, self.shortened) = (state, shortened);
    }

    /// Compresses the rest of the schedule from `step` on, so that it ends at `total_steps`.
    pub fn shorten(&mut self, step: u64, total_steps: u64) {
        self.shortened = Some(Shortened { from: step, at: self.place_of(step), total_steps });
    }

    /// Returns how training was shortened, if it was.
    pub fn shortened(&self) -> Option<Shortened> {
        self.shortened
    }

    /// Returns the number of steps after which training ends.
    pub fn total_steps(&self) -> u64 {
        self.shortened.map_or(self.horizon.total_steps, |shortened| shortened.total_steps)
    }

    /// Returns the position of a step in the planned schedule.
    fn place_of(&self, step: u64) -> f64 {
        match self.shortened {
            Some(Shortened { from, at, total_steps }) if step >= from => {
                let rest = self.horizon.total_steps as f64 - at;
                at + (step - from) as f64 * rest / total_steps.saturating_sub(from).max(1) as f64
            }
            _ => step as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use keel_testkit::golden::{GoldenFile, ScheduleCase};

    use super::super::{ConstantConfig, CosineConfig, PlateauConfig};
    use super::*;

    #[test]
    fn every_schedule_follows_the_golden_values() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../keel_nn/tests/golden/schedules.json");
        for case in GoldenFile::<ScheduleCase>::read(path).unwrap().cases {
            let config: ScheduleConfig = serde_json::from_value(case.schedule.clone()).unwrap();
            let horizon = Horizon { total_steps: case.total_steps as u64, steps_per_epoch: 1 };
            let schedule = Schedule::new(&config, case.learning_rate, horizon);
            for (step, expected) in case.learning_rates.iter().enumerate() {
                let rate = schedule.learning_rate(step as u64);
                assert!((rate - expected).abs() <= 1e-12, "{} step {step}: {rate} {expected}", case.name);
            }
        }
    }

    #[test]
    fn warm_up_rises_to_the_peak() {
        let config = ScheduleConfig::Constant(ConstantConfig { warmup_steps: 4 });
        let schedule = Schedule::new(&config, 0.8, Horizon { total_steps: 10, steps_per_epoch: 5 });
        let rates: Vec<f64> = (0..6).map(|step| schedule.learning_rate(step)).collect();
        assert_eq!(rates, [0.2, 0.4, 0.6000000000000001, 0.8, 0.8, 0.8]);
    }

    #[test]
    fn a_shortened_schedule_goes_on_where_it_was_and_ends_as_planned() {
        let config = ScheduleConfig::Cosine(CosineConfig::default());
        let horizon = Horizon { total_steps: 100, steps_per_epoch: 10 };
        let planned = Schedule::new(&config, 1.0, horizon);
        let mut schedule = planned.clone();
        schedule.shorten(20, 60);
        assert_eq!(schedule.total_steps(), 60);
        let pairs = [(0, 0), (19, 19), (20, 20), (21, 22), (40, 60), (59, 98)];
        for (step, place) in pairs {
            assert_eq!(schedule.learning_rate(step), planned.learning_rate(place), "step {step}");
        }
        schedule.shorten(40, 50);
        let pairs = [(40, 60), (45, 80), (49, 96)];
        for (step, place) in pairs {
            assert_eq!(schedule.learning_rate(step), planned.learning_rate(place), "step {step}, shortened again");
        }
        let mut restored = planned.clone();
        restored.restore(schedule.state().clone(), schedule.shortened());
        assert_eq!(restored, schedule);
    }

    #[test]
    fn plateau_waits_for_its_patience_then_reduces() {
        let config = ScheduleConfig::ReduceOnPlateau(PlateauConfig { patience: 2, ..Default::default() });
        let mut schedule = Schedule::new(&config, 1.0, Horizon { total_steps: 10, steps_per_epoch: 1 });
        let rates: Vec<f64> = [1.0, 1.0, 1.0, 1.0, 0.5]
            .into_iter()
            .map(|loss| {
                schedule.epoch_ended(loss);
                schedule.learning_rate(0)
            })
            .collect();
        assert_eq!(rates, [1.0, 1.0, 1.0, 0.1, 0.1]);
    }
}
