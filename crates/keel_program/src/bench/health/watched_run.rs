//! A training run in memory, under watch.

use keel_data::{Batches, DataError, Position};
use keel_health::{Finding, Monitor};
use keel_train::StepPlace;
use keel_train::health::{EpochLosses, Watch};
use keel_train::schedules::{Horizon, Schedule};
use keel_train::{Config, Session, TrainError, config};

use super::networks::{Architecture, Recipe};
use super::samples::samples;
use crate::failure::Stop;

/// Code and layer of a finding and the step after which it was first reported.
pub(crate) type Told = (String, Option<String>, u64);

/// Result of a training run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Findings, causes first.
    pub(crate) findings: Vec<Finding>,
    /// Step after which each finding was first reported, by code and layer.
    pub(crate) told: Vec<Told>,
    /// The data was refused before the training, with this reason.
    pub(crate) refused: Option<String>,
    /// Measurements; `None` if there are none.
    pub(crate) monitor: Option<Monitor>,
    /// Accuracy on the validation split at the end.
    pub(crate) accuracy: Option<f64>,
}

/// Trains `recipe` to its end, or until a loss is not a number.
///
/// # Errors
/// A recipe that cannot be built.
pub(crate) fn train(recipe: &Recipe, architecture: Architecture, seed: u64) -> Result<Outcome, Stop> {
    let config = config::load(None, &recipe.overrides(architecture, seed))?;
    match samples(recipe.change, seed) {
        Ok(data) => Ok(watched(&config.settled(), data)?),
        Err(reason) => Ok(refused(&reason)),
    }
}

fn refused(reason: &DataError) -> Outcome {
    let refused = Some(reason.to_string());
    Outcome { findings: Vec::new(), told: Vec::new(), refused, monitor: None, accuracy: None }
}

fn watched(config: &Config, data: keel_data::SplitDataset) -> Result<Outcome, TrainError> {
    let mut session = Session::new(config, data)?;
    let source = session.training_batches().clone();
    let steps_per_epoch = source.steps_per_epoch() as u64;
    let horizon = Horizon { total_steps: config.train.epochs * steps_per_epoch, steps_per_epoch };
    let schedule = Schedule::new(&config.schedule, config.optimizer.learning_rate(), horizon);
    let mut told = Vec::new();
    let watch = Watch::begin(config, &mut session, horizon.total_steps, None)?;
    let mut watch = watch.expect("the default level watches");
    let mut accuracy = None;
    tell(&mut watch, 0, &mut told);
    for epoch in 0..config.train.epochs {
        let mut batches = Batches::new(source.clone(), Position { epoch, step: 0 });
        let mut step = epoch * steps_per_epoch;
        while let Some(batch) = batches.next() {
            let place = StepPlace { step, epoch, learning_rate: schedule.learning_rate(step) };
            let result = session.step_observed(batch?, place, &mut watch);
            step += 1;
            tell(&mut watch, step, &mut told);
            if !(result.loss.is_finite() && result.gradient_norm.is_finite()) {
                return Ok(outcome(&watch, told, None));
            }
        }
        let validation = session.data().validation.clone();
        let metrics = session.evaluate(&validation)?;
        accuracy = metrics.as_ref().and_then(|metrics| metrics.accuracy);
        let validation_loss = metrics.map(|metrics| metrics.loss);
        let losses = EpochLosses { epoch, step: step - 1, validation_loss, validation_accuracy: accuracy };
        watch.epoch(&mut session, losses)?;
        tell(&mut watch, step, &mut told);
    }
    watch.end();
    tell(&mut watch, horizon.total_steps, &mut told);
    Ok(outcome(&watch, told, accuracy))
}

fn outcome(watch: &Watch, told: Vec<Told>, accuracy: Option<f64>) -> Outcome {
    let monitor = Some(watch.monitor().clone());
    Outcome { findings: watch.findings(), told, refused: None, monitor, accuracy }
}

fn tell(watch: &mut Watch, step: u64, told: &mut Vec<Told>) {
    for finding in watch.take_news().findings {
        let known = told.iter().any(|(code, layer, _)| *code == finding.code && *layer == finding.layer);
        if !known {
            told.push((finding.code, finding.layer, step));
        }
    }
}
