//! Memorising a few samples: a test that a network with correct labels, loss, gradient and learning rate passes in seconds.
//!
//! Everything that counteracts memorising is disabled: augmentation, dropout, weight decay and label smoothing; and there are
//! only as many samples as the network has parameters for, chosen far apart from each other. The config's own optimizer runs
//! first, with a short warm-up and a decay at the end, because its learning rate is under test too; it continues as long as the
//! loss falls, so that a low rate that succeeds is distinguished from one that does not. If it fails, Adam tries the same
//! network from the start, which distinguishes a network that cannot learn from an optimizer that does not.

use std::time::{Duration, Instant};

use keel_data::{AugmentConfig, SplitDataset, Targets};
use keel_health::measurement::TinyBatch;
use keel_nn::layers::LayerSpec;
use keel_nn::losses::LossSpec;

use super::samples::{batch_of, samples_apart};
use crate::config::{Config, LossConfig};
use crate::error::TrainError;
use crate::optimizers::{AdamConfig, OptimizerConfig};
use crate::session::{Session, StepResult};

/// Number of samples to memorise.
const SAMPLES: usize = 20;

/// Number of steps of an attempt whose loss does not fall.
const STEPS: u64 = 500;

/// Maximum number of steps of an attempt.
const MAX_STEPS: u64 = 4000;

/// Number of steps over which losses are averaged to detect whether they fall.
const WINDOW: u64 = 100;

/// Maximum ratio of a window's mean loss to the previous minimum for which the loss counts as falling.
const FALLING: f64 = 0.995;

/// Maximum number of consecutive windows without a lower loss.
const PATIENCE: u64 = 5;

/// Number of steps over which the learning rate rises to its value.
const WARM_UP: u64 = 20;

/// Number of steps at the end over which it falls towards zero.
const COOL_DOWN: u64 = 150;

/// Fraction of the first loss at which a regression counts as learned.
const LEARNED_LOSS: f64 = 0.05;

/// Learning rates of Adam after the config's own optimizer has failed.
const RESCUE_RATES: [f64; 2] = [1e-3, 1e-2];

/// Result of the test.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Result after all allowed steps.
    Judged(TinyBatch),
    /// The time ran out after this many steps, with this fraction of the samples (or of the loss) left.
    OutOfTime { steps: u64, left: f64 },
    /// The loss was still falling after the last allowed step: slow learning is not a failure.
    StillFalling { steps: u64, left: f64 },
}

/// Result of one attempt.
struct Attempt {
    measurement: TinyBatch,
    learned: bool,
    in_time: bool,
    /// True if the loss was still falling when no more steps were allowed.
    still_falling: bool,
}

/// End of an attempt: after [`STEPS`], or later while the loss falls.
#[derive(Debug)]
struct Length {
    /// Step at which the learning rate has reached zero.
    end: u64,
    /// Sum of the losses of the current window.
    sum: f64,
    /// Minimum mean loss of a window.
    lowest: f64,
    /// Number of windows since then.
    stale: u64,
}

impl Length {
    fn new() -> Self {
        Length { end: STEPS, sum: 0.0, lowest: f64::INFINITY, stale: 0 }
    }

    /// Adds the loss of `step`. At the end of a window with a falling loss, before the learning rate decays, extends the
    /// attempt by a window.
    fn add(&mut self, step: u64, loss: f64) {
        self.sum += loss;
        let taken = step + 1;
        if !taken.is_multiple_of(WINDOW) {
            return;
        }
        let mean = std::mem::take(&mut self.sum) / WINDOW as f64;
        if mean <= FALLING * self.lowest {
            (self.lowest, self.stale) = (mean, 0);
        } else {
            self.stale += 1;
        }
        let next = taken + WINDOW + COOL_DOWN;
        if self.stale < PATIENCE && taken + COOL_DOWN <= self.end && next <= MAX_STEPS {
            self.end = self.end.max(next);
        }
    }

    /// Returns true if the loss falls and no further window is allowed.
    fn still_falling(&self) -> bool {
        self.stale < PATIENCE && self.end + WINDOW > MAX_STEPS
    }
}

/// Tries to memorise a few training samples of `data` with the network of `config` within `budget`.
pub(super) fn memorise(config: &Config, data: &SplitDataset, budget: Duration) -> Result<Outcome, TrainError> {
    let deadline = Instant::now() + budget;
    let plain = unregularised(config);
    let own = attempt(&plain, data, deadline)?;
    let mut measurement = own.measurement;
    let (steps, left) = (measurement.steps, left_of(&measurement));
    if !own.learned && !own.in_time {
        return Ok(Outcome::OutOfTime { steps, left });
    }
    if !own.learned && own.still_falling {
        return Ok(Outcome::StillFalling { steps, left });
    }
    if !own.learned {
        measurement.learned_at = rescue_rate(&plain, data, deadline)?;
    }
    Ok(Outcome::Judged(measurement))
}

/// Returns the first of [`RESCUE_RATES`] at which Adam learns what the config's own optimizer did not.
fn rescue_rate(plain: &Config, data: &SplitDataset, deadline: Instant) -> Result<Option<f32>, TrainError> {
    for rate in RESCUE_RATES {
        if attempt(&with_adam(plain, rate), data, deadline)?.learned {
            return Ok(Some(rate as f32));
        }
    }
    Ok(None)
}

/// Returns the fraction of the samples that are still wrong; for regression, of the first loss.
pub(super) fn left_of(measurement: &TinyBatch) -> f64 {
    let loss_left = || f64::from(measurement.last_loss) / f64::from(measurement.first_loss);
    measurement.training_error.map_or_else(loss_left, f64::from)
}

fn attempt(config: &Config, data: &SplitDataset, deadline: Instant) -> Result<Attempt, TrainError> {
    let mut session = Session::new(config, data.clone())?;
    let chosen = samples_apart(&session, SAMPLES.min(capacity(&session)))?;
    let batch = batch_of(&session, &chosen)?;
    let classification = matches!(data.dataset.targets(), Targets::Classes { .. });
    let peak = config.optimizer.learning_rate();
    let mut measurement = TinyBatch { samples: chosen.len() as u64, ..TinyBatch::default() };
    let (mut learned, mut in_time, mut length) = (false, true, Length::new());
    while measurement.steps < length.end && !learned && in_time {
        let step = measurement.steps;
        let StepResult { right, loss, .. } = session.step(&batch, step, peak * share_of_rate(step, length.end));
        length.add(step, loss);
        if measurement.steps == 0 {
            measurement.first_loss = loss as f32;
        }
        measurement.steps += 1;
        measurement.last_loss = loss as f32;
        if classification {
            let wrong = chosen.len() as u64 - right;
            measurement.training_error = Some(wrong as f32 / chosen.len() as f32);
            learned = wrong == 0;
        } else {
            learned = loss <= LEARNED_LOSS * f64::from(measurement.first_loss);
        }
        if !loss.is_finite() {
            measurement.training_error = classification.then_some(1.0);
            break;
        }
        in_time = Instant::now() < deadline;
    }
    learned |= left_of(&measurement) <= if classification { 0.05 } else { 0.1 };
    Ok(Attempt { measurement, learned, in_time, still_falling: length.still_falling() })
}

/// Returns the factor of the learning rate at `step` of an attempt that ends at step `end`.
fn share_of_rate(step: u64, end: u64) -> f64 {
    let warm_up = (step + 1) as f64 / WARM_UP as f64;
    let cool_down = (end - step) as f64 / COOL_DOWN as f64;
    warm_up.min(cool_down).min(1.0)
}

/// Returns the number of samples that the network has parameters for: as many as a linear model of its size can fit, at least
/// one.
fn capacity(session: &Session) -> usize {
    let graph = &session.network().graph;
    let trained = graph.parameters().iter().filter(|parameter| !parameter.is_frozen());
    let parameters: usize = trained.map(|parameter| parameter.range.len()).sum();
    let outputs = session.objective().outputs() * session.objective().members();
    (parameters / outputs.max(1)).max(1)
}

/// Returns the config with the same network and optimizer, without anything that counteracts memorising.
fn unregularised(config: &Config) -> Config {
    let mut plain = config.clone();
    plain.augment = AugmentConfig::default();
    plain.train.batch_size = SAMPLES;
    plain.optimizer = plain.optimizer.with_weight_decay(0.0);
    plain.model = config.model.listed();
    without_dropout(&mut plain.model.layers);
    if let LossConfig::Chosen(LossSpec::CrossEntropy { .. }) = plain.train.loss {
        plain.train.loss = LossConfig::Chosen(LossSpec::cross_entropy());
    }
    plain
}

fn without_dropout(layers: &mut [LayerSpec]) {
    for layer in layers {
        match layer {
            LayerSpec::Dropout(dropout) => dropout.probability = 0.0,
            LayerSpec::Residual(residual) => without_dropout(&mut residual.body),
            _ => {}
        }
    }
}

fn with_adam(config: &Config, learning_rate: f64) -> Config {
    let adam = OptimizerConfig::Adam(AdamConfig::default()).with_learning_rate(learning_rate).with_weight_decay(0.0);
    Config { optimizer: adam, ..config.clone() }
}
