//! What watching a training costs: the cnn step at a level of health, alternating with the step at level off.

use std::time::Instant;

use keel_data::{Batch, BatchTargets, Dataset, Inputs, SampleShape, Split, Targets};
use keel_train::StepPlace;
use keel_train::config::HealthLevel;
use keel_train::health::Watch;
use keel_train::{Config, Session};
use serde_json::{Value, json};

use super::super::networks::Spec;
use super::super::turns::Turns;
use super::super::{Context, SEED, formula};
use crate::failure::Failure;

/// Steps of a turn: a whole interval between two recorded steps, so that each turn holds one.
const STEPS: u64 = 10;

/// Turns for every one of other rows: the difference is a hundredth, far less than turns differ.
const TURNS: usize = 4;

/// Steps the training is said to have, which decides how often distributions are recorded.
const STEPS_OF_TRAINING: u64 = 1000;

/// Samples of the made-up data, all in the training split but a few.
const SAMPLES: usize = 512;

/// A training that takes the same batch again and again.
struct Watched {
    session: Session,
    watch: Option<Watch>,
    batch: Batch,
    steps: u64,
}

/// Level standard against off.
pub(super) fn standard(name: &'static str, context: &Context) -> Result<Value, Failure> {
    measure(name, HealthLevel::Standard, context)
}

/// Level full against off.
pub(super) fn full(name: &'static str, context: &Context) -> Result<Value, Failure> {
    measure(name, HealthLevel::Full, context)
}

fn measure(name: &str, level: HealthLevel, context: &Context) -> Result<Value, Failure> {
    let (mut watched, mut alone) = (Watched::new(level)?, Watched::new(HealthLevel::Off)?);
    let losses = [watched.step(), alone.step()];
    if losses[0].to_bits() != losses[1].to_bits() {
        return Err(Failure::new(format!("watching changed the loss: {losses:?}")));
    }
    let mut turns = Turns::default();
    for _ in 0..TURNS * context.turns.max(1) {
        let [ours, theirs] = turn(&mut watched, &mut alone);
        turns.push(ours, theirs);
    }
    let mut row = json!({ "name": name });
    turns.write(&mut row, "level off");
    Ok(row)
}

impl Watched {
    fn new(level: HealthLevel) -> Result<Self, Failure> {
        let spec = Spec::new("cnn").description();
        let mut config = Config::default();
        config.health.level = level;
        config.model.layers = spec.layers;
        config.train.batch_size = spec.batch;
        config.optimizer = spec.optimizer;
        config.preprocess.steps = Vec::new();
        let dataset = Dataset::from_memory(
            "made up",
            SampleShape::Image { height: 32, width: 32, channels: 3 },
            Inputs::Floats(formula::inputs(SEED, SAMPLES * spec.input.len())),
            Targets::Classes {
                labels: formula::labels(SEED, SAMPLES),
                class_names: (0..formula::CLASSES).map(|class| class.to_string()).collect(),
            },
        )
        .and_then(|dataset| dataset.split(Split { validation: 0.1, test: 0.1, seed: SEED }))
        .map_err(failed)?;
        let mut session = Session::new(&config, dataset).map_err(failed)?;
        let watch = Watch::begin(&config, &mut session, STEPS_OF_TRAINING, None).map_err(failed)?;
        let batch = Batch {
            inputs: formula::inputs(SEED, spec.batch * spec.input.len()),
            targets: BatchTargets::Classes(formula::labels(SEED, spec.batch)),
            indices: (0..spec.batch).collect(),
            ..Batch::default()
        };
        Ok(Watched { session, watch, batch, steps: 0 })
    }

    /// One step; its loss.
    fn step(&mut self) -> f64 {
        let Watched { session, watch, batch, steps } = self;
        let place = StepPlace { step: *steps, epoch: 0, learning_rate: 1e-3 };
        *steps += 1;
        match watch {
            Some(watch) => session.step_observed(batch, place, watch).loss,
            None => session.step(batch, place.step, place.learning_rate).loss,
        }
    }
}

/// Mean milliseconds of a turn's steps of each side. The sides take turns step by step, each as often first as second, so
/// that a machine which is slower for a while is so for both.
fn turn(watched: &mut Watched, alone: &mut Watched) -> [f64; 2] {
    let mut seconds = [0.0; 2];
    for step in 0..STEPS {
        let order = if step.is_multiple_of(2) { [0, 1] } else { [1, 0] };
        for side in order {
            let start = Instant::now();
            if side == 0 {
                watched.step();
            } else {
                alone.step();
            }
            seconds[side] += start.elapsed().as_secs_f64();
        }
    }
    let start = Instant::now();
    if let Some(watch) = &mut watched.watch {
        drop(watch.take_news());
    }
    seconds[0] += start.elapsed().as_secs_f64();
    seconds.map(|seconds| seconds * 1000.0 / STEPS as f64)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
