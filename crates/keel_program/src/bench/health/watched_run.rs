//! A training run in memory with the health rules.

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
pub(crate) type FirstReport = (String, Option<String>, u64);

/// Result of a training run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Findings, causes first.
    pub(crate) findings: Vec<Finding>,
    /// Step after which each finding was first reported, by code and layer.
    pub(crate) first_reports: Vec<FirstReport>,
    /// Reason why the data was rejected before training, if it was.
    pub(crate) refused: Option<String>,
    /// Measurements; `None` if there are none.
    pub(crate) monitor: Option<Monitor>,
    /// Accuracy on the validation split at the end.
    pub(crate) accuracy: Option<f64>,
}

/// Trains `recipe` to its end, or until a loss is not finite.
///
/// # Errors
/// If the recipe cannot be built.
pub(crate) fn train(recipe: &Recipe, architecture: Architecture, seed: u64) -> Result<Outcome, Stop> {
    let config = config::load(None, &recipe.overrides(architecture, seed))?;
    match samples(recipe.change, seed) {
        Ok(data) => Ok(watched(&config.settled(), data)?),
        Err(reason) => Ok(refused(&reason)),
    }
}

fn refused(reason: &DataError) -> Outcome {
    let refused = Some(reason.to_string());
    Outcome { findings: Vec::new(), first_reports: Vec::new(), refused, monitor: None, accuracy: None }
}

fn watched(config: &Config, data: keel_data::SplitDataset) -> Result<Outcome, TrainError> {
    let mut session = Session::new(config, data)?;
    let source = session.training_batches().clone();
    let steps_per_epoch = source.steps_per_epoch() as u64;
    let horizon = Horizon { total_steps: config.train.epochs * steps_per_epoch, steps_per_epoch };
    let schedule = Schedule::new(&config.schedule, config.optimizer.learning_rate(), horizon);
    let mut reports = Vec::new();
    let watch = Watch::begin(config, &mut session, horizon.total_steps, None)?;
    let mut watch = watch.expect("the default level watches");
    let mut accuracy = None;
    note_new(&mut watch, 0, &mut reports);
    for epoch in 0..config.train.epochs {
        let mut batches = Batches::new(source.clone(), Position { epoch, step: 0 });
        let mut step = epoch * steps_per_epoch;
        while let Some(batch) = batches.next() {
            let place = StepPlace { step, epoch, learning_rate: schedule.learning_rate(step) };
            let result = session.step_observed(batch?, place, &mut watch);
            step += 1;
            note_new(&mut watch, step, &mut reports);
            if !(result.loss.is_finite() && result.gradient_norm.is_finite()) {
                return Ok(outcome(&watch, reports, None));
            }
        }
        let validation = session.data().validation.clone();
        let metrics = session.evaluate(&validation)?;
        accuracy = metrics.as_ref().and_then(|metrics| metrics.accuracy);
        let validation_loss = metrics.map(|metrics| metrics.loss);
        let losses = EpochLosses { epoch, step: step - 1, validation_loss, validation_accuracy: accuracy };
        watch.epoch(&mut session, losses)?;
        note_new(&mut watch, step, &mut reports);
    }
    watch.residuals(&mut session)?;
    watch.end();
    note_new(&mut watch, horizon.total_steps, &mut reports);
    Ok(outcome(&watch, reports, accuracy))
}

fn outcome(watch: &Watch, first_reports: Vec<FirstReport>, accuracy: Option<f64>) -> Outcome {
    let monitor = Some(watch.monitor().clone());
    Outcome { findings: watch.findings(), first_reports, refused: None, monitor, accuracy }
}

fn note_new(watch: &mut Watch, step: u64, reports: &mut Vec<FirstReport>) {
    for finding in watch.take_news().findings {
        let known = reports.iter().any(|(code, layer, _)| *code == finding.code && *layer == finding.layer);
        if !known {
            reports.push((finding.code, finding.layer, step));
        }
    }
}
