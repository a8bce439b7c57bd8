//! A whole training run in memory, as `train` does it: health at level standard, metrics, checkpoints.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use keel_data::{Dataset, Inputs, Split, SplitDataset, Targets};
use keel_train::config::HealthLevel;
use keel_train::{Config, Event, Training, TrainingObserver};

use super::super::health_cost::sample_shape;
use super::super::networks::{Description, LEARNING_RATE};
use super::super::{SEED, formula};
use crate::failure::Failure;

/// Number of epochs of a training run.
const EPOCHS: u64 = 2;

/// Target duration of an epoch, unless the data would be too large.
const EPOCH_MILLISECONDS: f64 = 1500.0;

/// Maximum number of floats in the data.
const LARGEST_DATA: usize = 1 << 26;

/// Minimum and maximum number of steps of an epoch.
const LEAST_STEPS: usize = 20;
const MOST_STEPS: usize = 2000;

/// Times of the end of the first step and of the last epoch, and the number of steps in between.
#[derive(Debug, Default)]
struct Stopwatch {
    first: Option<Instant>,
    last: Option<Instant>,
    steps: u64,
}

/// Records the times.
struct Watch(Arc<Mutex<Stopwatch>>);

impl TrainingObserver for Watch {
    fn event(&mut self, event: Event<'_>) {
        let Ok(mut stopwatch) = self.0.lock() else { return };
        match event {
            Event::Step(step) => {
                stopwatch.first.get_or_insert_with(Instant::now);
                stopwatch.steps = step.step - 1;
            }
            Event::Epoch(_) => stopwatch.last = Some(Instant::now()),
            _ => {}
        }
    }
}

/// Returns the milliseconds per step from the end of the first step to the end of the last epoch; `step` is the approximate
/// time of a step.
///
/// # Errors
/// If training fails.
pub(super) fn milliseconds_a_step(network: &Description, step: f64) -> Result<f64, Failure> {
    let most = (LARGEST_DATA / network.input.len() / network.batch).clamp(LEAST_STEPS, MOST_STEPS);
    let steps = ((EPOCH_MILLISECONDS / step) as usize).clamp(LEAST_STEPS, most);
    let config = config(network);
    let stopwatch = Arc::new(Mutex::new(Stopwatch::default()));
    let training = Training::new(config).with_data(data(network, steps * network.batch)?);
    training.run_in_memory(&mut Watch(Arc::clone(&stopwatch))).map_err(failed)?;
    let stopwatch = stopwatch.lock().map_err(failed)?;
    match (stopwatch.first, stopwatch.last) {
        (Some(first), Some(last)) => Ok((last - first).as_secs_f64() * 1000.0 / stopwatch.steps as f64),
        _ => Err(Failure::new("the training run ended before its first epoch")),
    }
}

fn config(network: &Description) -> Config {
    let mut config = Config::default();
    config.health.level = HealthLevel::Standard;
    config.model.layers = network.layers.clone();
    config.train.batch_size = network.batch;
    config.train.epochs = EPOCHS;
    config.optimizer = network.optimizer.clone().with_learning_rate(LEARNING_RATE);
    config.preprocess.steps = Vec::new();
    config.data.validation = 0.0;
    config.data.test = 0.0;
    for key in ["model.layers", "train.batch_size", "train.epochs", "optimizer", "preprocess.steps"] {
        config.given.insert(key);
    }
    config
}

fn data(network: &Description, samples: usize) -> Result<SplitDataset, Failure> {
    let targets = Targets::Classes {
        labels: formula::labels(SEED, samples),
        class_names: (0..formula::CLASSES).map(|class| class.to_string()).collect(),
    };
    let inputs = Inputs::Floats(formula::inputs(SEED, samples * network.input.len()));
    Dataset::from_memory("made up", sample_shape(network.input), inputs, targets)
        .and_then(|dataset| dataset.split(Split { validation: 0.0, test: 0.0, seed: SEED }))
        .map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
