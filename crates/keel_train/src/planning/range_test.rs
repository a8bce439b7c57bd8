//! The learning-rate range test (Smith 2017, "Cyclical learning rates for training neural networks").

use keel_data::{Batches, Position, SplitDataset};
use serde::Serialize;

use crate::config::Config;
use crate::error::TrainError;
use crate::session::Session;
use crate::threads;

/// Number of steps of the test.
const STEPS: u64 = 120;

/// First and last learning rate; they increase by a constant factor per step.
const RATES: (f64, f64) = (1e-6, 10.0);

/// Weight of the previous value in the smoothed loss.
const SMOOTHING: f64 = 0.9;

/// Factor by which the smoothed loss must exceed its minimum for the test to end.
const DIVERGENCE: f64 = 4.0;

/// Loss as a function of the learning rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RangeTest {
    /// One point per step.
    pub points: Vec<RangePoint>,
    /// Learning rate at which the smoothed loss fell fastest; `None` if it never fell.
    pub suggestion: Option<f64>,
}

/// One step of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RangePoint {
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Loss of its batch, smoothed over the previous steps.
    pub loss: f64,
}

impl RangeTest {
    /// Trains `config` on `data` with a learning rate that increases from step to step, until the loss diverges. Writes
    /// nothing.
    ///
    /// # Errors
    /// If settings, layers and data do not fit each other.
    pub fn run(config: &Config, data: SplitDataset) -> Result<Self, TrainError> {
        let pool = threads::pool(config.train.threads).map_err(|error| {
            TrainError::setting("train.threads", format!("cannot start threads: {error}; use fewer"))
        })?;
        pool.install(|| {
            let points = measure(&mut Session::new(config, data)?)?;
            let suggestion = steepest(&points);
            Ok(RangeTest { points, suggestion })
        })
    }
}

fn measure(session: &mut Session) -> Result<Vec<RangePoint>, TrainError> {
    let factor = (RATES.1 / RATES.0).powf(1.0 / (STEPS - 1) as f64);
    let (mut points, mut average, mut lowest) = (Vec::new(), 0.0, f64::INFINITY);
    let mut step = 0;
    for epoch in 0..STEPS {
        let mut batches = Batches::new(session.training_batches().clone(), Position { epoch, step: 0 });
        while let Some(batch) = batches.next() {
            let learning_rate = RATES.0 * factor.powf(step as f64);
            let loss = session.step(batch?, step, learning_rate).loss;
            step += 1;
            average = SMOOTHING * average + (1.0 - SMOOTHING) * loss;
            let smoothed = average / (1.0 - SMOOTHING.powf(step as f64));
            if !smoothed.is_finite() || smoothed > DIVERGENCE * lowest {
                return Ok(points);
            }
            lowest = lowest.min(smoothed);
            points.push(RangePoint { learning_rate, loss: smoothed });
            if step == STEPS {
                return Ok(points);
            }
        }
    }
    Ok(points)
}

/// Returns the learning rate in the middle of the five steps over which the loss falls most.
fn steepest(points: &[RangePoint]) -> Option<f64> {
    let fall = |window: &[RangePoint]| window[0].loss - window[4].loss;
    // `rev`, because the last of equal maxima is kept: among equally good rates the smallest is the safest.
    let best = points.windows(5).rev().max_by(|left, right| fall(left).total_cmp(&fall(right)))?;
    (fall(best) > 0.0).then_some(best[2].learning_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggestion_is_where_the_loss_falls_fastest() {
        let points = |losses: &[f64]| -> Vec<RangePoint> {
            let point = |(index, &loss): (usize, &f64)| RangePoint { learning_rate: 10f64.powi(index as i32), loss };
            losses.iter().enumerate().map(point).collect()
        };
        assert_eq!(steepest(&points(&[3.0, 3.0, 3.0, 2.5, 1.0, 0.9, 0.9, 2.0])), Some(1e3));
        assert_eq!(steepest(&points(&[1.0, 1.0, 1.5, 2.0, 3.0, 4.0])), None);
        assert_eq!(steepest(&points(&[1.0, 0.5])), None);
    }

    #[test]
    fn digits_get_a_usable_rate() {
        let config = Config::default();
        let data = crate::load_data(&config).unwrap();
        let test = RangeTest::run(&config, data).unwrap();
        let rate = test.suggestion.unwrap();
        assert!((1e-4..1.0).contains(&rate), "{rate}");
        assert!(test.points.len() > 20 && test.points.iter().all(|point| point.loss.is_finite()));
    }
}
