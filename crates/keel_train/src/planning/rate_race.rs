//! Finds the learning rate that a network in its current state needs by trying the same steps with several rates.
//!
//! A range test raises the rate from step to step and observes each only briefly. Here, each rate trains for a number of steps
//! from the same weights on the same batches, and rates go up and down from the current one as long as that lowers the loss. If
//! no rate makes progress, on a plateau, all get more steps: on a plateau the smallest rate looks best, since it has the least
//! noise.

use std::time::Instant;

use keel_data::{Batches, Position};
use serde::Serialize;

use crate::error::TrainError;
use crate::session::Session;

/// Factor between consecutive rates: two of them make a factor of ten.
const FACTOR: f64 = 3.162_277_660_168_379_5;

/// Maximum number of rates tried in each direction.
const LADDER: i32 = 12;

/// Number of rates without an improvement after which a direction is abandoned.
const PATIENCE: usize = 2;

/// Minimum relative improvement over the current rate's loss for another rate to be chosen.
const LEAST_GAIN: f64 = 0.03;

/// Loss relative to that at the start, or to that of guessing, below which a plateau is left.
const LEAVES_PLATEAU: f64 = 0.9;

/// Factor of the number of steps of every rate if none leaves the plateau.
const LONGER: u64 = 3;

/// Fraction of the steps at the end whose mean loss is compared.
const JUDGED_SHARE: f64 = 0.3;

/// Training steps that each rate gets.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Number of the first step, as in the whole training run.
    pub first_step: u64,
    /// Initial number of steps of each rate.
    pub steps: u64,
    /// Maximum number of steps of each rate.
    pub most_steps: u64,
    /// Loss of constant outputs; `None` if it is unknown.
    pub guessing: Option<f64>,
    /// Time after which no further rate is tried.
    pub deadline: Instant,
}

/// One rate that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TriedRate {
    /// The learning rate.
    pub learning_rate: f64,
    /// Mean training loss at the end of its steps; `None` if it was not finite.
    pub loss: Option<f64>,
}

/// Rates that were tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateRace {
    /// Rates in the order of the trials; the first is the current rate.
    pub tried: Vec<TriedRate>,
    /// Rate to train with: the current one unless another is clearly better.
    pub best: f64,
}

/// Tries learning rates around `present` from the state of `session`, which is restored afterwards.
///
/// # Errors
/// If a sample cannot be preprocessed.
pub fn rate_race(session: &mut Session, present: f64, stretch: Stretch) -> Result<RateRace, TrainError> {
    let snapshot = Snapshot::of(session);
    let untrained = train(session, 0.0, Stretch { steps: 1, ..stretch })?;
    snapshot.restore(session);
    let start = untrained.into_iter().chain(stretch.guessing).reduce(f64::min);
    let mut stretch = stretch;
    loop {
        let race = climb(session, &snapshot, present, stretch)?;
        let lowest = race.tried.iter().filter_map(|tried| tried.loss).reduce(f64::min);
        let moved = start.zip(lowest).is_none_or(|(start, lowest)| lowest < LEAVES_PLATEAU * start);
        if moved || stretch.steps >= stretch.most_steps || Instant::now() >= stretch.deadline {
            snapshot.restore(session);
            return Ok(race);
        }
        stretch.steps = (LONGER * stretch.steps).min(stretch.most_steps);
    }
}

/// Tries rates up and down from `present`.
fn climb(session: &mut Session, snapshot: &Snapshot, present: f64, stretch: Stretch) -> Result<RateRace, TrainError> {
    let mut race = RateRace { tried: Vec::new(), best: present };
    race.run(session, snapshot, present, stretch)?;
    let mut best = race.tried[0];
    for direction in [1, -1] {
        let mut without_gain = 0;
        for rung in 1..=LADDER {
            if without_gain >= PATIENCE || Instant::now() >= stretch.deadline {
                break;
            }
            let tried = race.run(session, snapshot, rounded(present * FACTOR.powi(direction * rung)), stretch)?;
            if is_lower(tried.loss, best.loss) {
                (best, without_gain) = (tried, 0);
            } else if best.loss.is_some() {
                without_gain += 1;
            } else if direction > 0 {
                // A rate above one that diverges diverges too.
                break;
            }
        }
    }
    let threshold = race.tried[0].loss.map(|loss| loss - LEAST_GAIN * loss.abs());
    race.best = if is_lower(best.loss, threshold.or(race.tried[0].loss)) { best.learning_rate } else { present };
    Ok(race)
}

/// Rounds `rate` to two digits, for display.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

/// Returns true if `loss` is finite and below `other`, or `other` is `None`.
fn is_lower(loss: Option<f64>, other: Option<f64>) -> bool {
    loss.is_some_and(|loss| other.is_none_or(|other| loss < other))
}

impl RateRace {
    fn run(
        &mut self,
        session: &mut Session,
        snapshot: &Snapshot,
        learning_rate: f64,
        stretch: Stretch,
    ) -> Result<TriedRate, TrainError> {
        snapshot.restore(session);
        let tried = TriedRate { learning_rate, loss: train(session, learning_rate, stretch)? };
        self.tried.push(tried);
        Ok(tried)
    }
}

/// Returns the mean loss of the last steps; `None` as soon as one is not finite.
fn train(session: &mut Session, learning_rate: f64, stretch: Stretch) -> Result<Option<f64>, TrainError> {
    let judged = ((stretch.steps as f64 * JUDGED_SHARE).ceil() as u64).max(1);
    let (mut step, mut sum) = (0, 0.0);
    for epoch in 0.. {
        let mut batches = Batches::new(session.training_batches().clone(), Position { epoch, step: 0 });
        while let Some(batch) = batches.next() {
            let result = session.step(batch?, stretch.first_step + step, learning_rate);
            if !result.is_finite() {
                return Ok(None);
            }
            step += 1;
            sum += if step + judged > stretch.steps { result.loss } else { 0.0 };
            if step >= stretch.steps {
                return Ok(Some(sum / judged as f64));
            }
        }
    }
    Ok(None)
}

/// State of a session that a step changes and that later steps depend on.
struct Snapshot {
    parameters: Vec<f32>,
    state: Vec<f32>,
    slots: Vec<(&'static str, Vec<f32>)>,
    steps: u64,
}

impl Snapshot {
    fn of(session: &Session) -> Self {
        let optimizer = session.optimizer();
        Snapshot {
            parameters: session.network().parameters.to_vec(),
            state: session.network().state.to_vec(),
            slots: optimizer.slots().map(|(name, values)| (name, values.to_vec())).collect(),
            steps: optimizer.steps(),
        }
    }

    fn restore(&self, session: &mut Session) {
        session.network_mut().parameters.copy_from_slice(&self.parameters);
        session.network_mut().state.copy_from_slice(&self.state);
        for (name, values) in &self.slots {
            session.optimizer_mut().restore_slot(name, values);
        }
        session.optimizer_mut().restore_steps(self.steps);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{config, load_data, threads};

    fn race(rate: f64) -> RateRace {
        let config = config::load(Some("mlp"), &["data.source=digits".to_owned()]).unwrap();
        let data = load_data(&config).unwrap();
        let pool = threads::pool(1).unwrap();
        pool.install(|| {
            let mut session = Session::new(&config, data).unwrap();
            let before = session.network().parameters.to_vec();
            let deadline = Instant::now() + Duration::from_secs(60);
            let race = rate_race(
                &mut session,
                rate,
                Stretch { first_step: 0, steps: 40, most_steps: 40, guessing: None, deadline },
            )
            .unwrap();
            assert_eq!(session.network().parameters.to_vec(), before, "the session is restored");
            race
        })
    }

    #[test]
    fn a_rate_far_off_is_led_to_the_same_range_from_both_sides() {
        for rate in [1e-6, 100.0] {
            let race = race(rate);
            assert!((1e-4..=1.0).contains(&race.best), "{rate}: {race:?}");
        }
    }

    #[test]
    fn a_rate_that_is_right_stays() {
        let found = race(1e-6).best;
        assert_eq!(race(found).best, found);
    }

    #[test]
    fn no_number_is_lower_than_a_loss() {
        assert!(is_lower(Some(1.0), None) && is_lower(Some(1.0), Some(2.0)));
        assert!(!is_lower(None, None) && !is_lower(None, Some(1.0)) && !is_lower(Some(1.0), Some(1.0)));
    }
}
