//! Cost of the health rules: a step at a level of health, alternating with the same step at level off.

use std::time::Instant;

use keel_data::{Batch, BatchTargets, Dataset, Inputs, SampleShape, Split, Targets};
use keel_nn::Shape;
use keel_train::StepPlace;
use keel_train::config::HealthLevel;
use keel_train::health::Watch;
use keel_train::{Config, Session};

use super::networks::{Description, LEARNING_RATE};
use super::turns::Turns;
use super::{SEED, formula};
use crate::failure::Failure;

/// Number of steps of a turn: a whole interval between two recorded steps, so that each turn contains one.
const STEPS: u64 = 10;

/// Nominal number of steps of the training run, which determines how often distributions are recorded.
const STEPS_OF_TRAINING: u64 = 1000;

/// Number of batches of the synthetic data; all but the first serve only the health rules' measurements of the data.
const BATCHES: usize = 4;

/// A training run that uses the same batch again and again.
struct Watched {
    session: Session,
    watch: Watch,
    batch: Batch,
    /// Number of watched steps.
    steps: u64,
}

/// Measures the mean milliseconds of a step of `network` at `level` and at level off, in `turns` turns.
///
/// # Errors
/// If layers do not fit, or the loss depends on the level.
pub(super) fn in_turn(network: &Description, level: HealthLevel, turns: usize) -> Result<Turns, Failure> {
    let mut watched = Watched::new(network, level)?;
    let losses = [watched.step(true), Watched::new(network, level)?.step(false)];
    if losses[0].to_bits() != losses[1].to_bits() {
        return Err(Failure::new(format!("watching changed the loss: {losses:?}")));
    }
    let mut taken = Turns::default();
    for _ in 0..turns.max(1) {
        let [ours, theirs] = watched.turn();
        taken.push(ours, theirs);
    }
    Ok(taken)
}

impl Watched {
    fn new(network: &Description, level: HealthLevel) -> Result<Self, Failure> {
        let mut config = Config::default();
        config.health.level = level;
        config.model.layers = network.layers.clone();
        config.train.batch_size = network.batch;
        config.optimizer = network.optimizer.clone();
        config.preprocess.steps = Vec::new();
        let samples = BATCHES * network.batch;
        let dataset = Dataset::from_memory(
            "made up",
            sample_shape(network.input),
            Inputs::Floats(formula::inputs(SEED, samples * network.input.len())),
            Targets::Classes {
                labels: formula::labels(SEED, samples),
                class_names: (0..formula::CLASSES).map(|class| class.to_string()).collect(),
            },
        )
        .and_then(|dataset| dataset.split(Split { validation: 0.0, test: 0.0, seed: SEED }))
        .map_err(failed)?;
        let mut session = Session::new(&config, dataset).map_err(failed)?;
        let watch = Watch::begin(&config, &mut session, STEPS_OF_TRAINING, None).map_err(failed)?;
        let watch = watch.ok_or_else(|| Failure::new("level off watches nothing"))?;
        let batch = Batch {
            inputs: formula::inputs(SEED, network.batch * network.input.len()),
            targets: BatchTargets::Classes(formula::labels(SEED, network.batch)),
            indices: (0..network.batch).collect(),
            ..Batch::default()
        };
        Ok(Watched { session, watch, batch, steps: 0 })
    }

    /// Runs one step and returns its loss.
    fn step(&mut self, watched: bool) -> f64 {
        let Watched { session, watch, batch, steps } = self;
        let place = StepPlace { step: *steps, epoch: 0, learning_rate: LEARNING_RATE };
        if !watched {
            return session.step(batch, place.step, place.learning_rate).loss;
        }
        *steps += 1;
        session.step_observed(batch, place, watch).loss
    }

    /// Returns the mean milliseconds of a turn's watched and unwatched steps of one session, whose memory both use. The sides
    /// alternate step by step, each going first equally often, so that a temporary slowdown of the machine affects both.
    fn turn(&mut self) -> [f64; 2] {
        let mut seconds = [0.0; 2];
        for step in 0..STEPS {
            let order = if step.is_multiple_of(2) { [0, 1] } else { [1, 0] };
            for side in order {
                let start = Instant::now();
                self.step(side == 0);
                seconds[side] += start.elapsed().as_secs_f64();
            }
        }
        let start = Instant::now();
        drop(self.watch.take_news());
        seconds[0] += start.elapsed().as_secs_f64();
        seconds.map(|seconds| seconds * 1000.0 / STEPS as f64)
    }
}

/// Returns the sample shape of a data set for an input shape.
pub(super) fn sample_shape(input: Shape) -> SampleShape {
    match input {
        Shape::Features(features) => SampleShape::Features(features),
        Shape::Image { height, width, channels } => SampleShape::Image { height, width, channels },
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
