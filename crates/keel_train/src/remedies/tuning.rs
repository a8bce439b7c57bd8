//! Measured learning rate of a treatment: the best rate for one network says little about the best rate for another.

use std::time::{Duration, Instant};

use keel_health::{Finding, Remedy};

use super::{Treatment, config_of, exact, treatment, treatments};
use crate::error::TrainError;
use crate::health::guessing_loss;
use crate::loading::load_data;
use crate::planning::{RateRace, Stretch, rate_race};
use crate::runs::RunFolder;
use crate::session::Session;
use crate::threads;

/// Minimum and maximum number of steps of each rate.
const STEPS: (u64, u64) = (40, 400);

/// Fraction of the steps of a training run that each rate gets.
const SHARE: f64 = 0.25;

/// Maximum number of steps of each rate, in training runs, if no rate makes progress in fewer.
const MOST_TRAININGS: u64 = 2;

/// Time after which no further rate is tried.
const BUDGET: Duration = Duration::from_secs(60);

/// Returns the treatment of `finding` of the run in `folder` with a measured learning rate: its remedy number `choice`, counted
/// from 1, or by default the first that can be applied and has an effect: a remedy that only changes the learning rate is
/// skipped if no other rate is better than the current one. `None` if no remedy can be applied.
///
/// # Errors
/// If there is no such remedy, or the run or its data cannot be read.
pub fn tuned_treatment(
    folder: &RunFolder,
    finding: &Finding,
    choice: Option<usize>,
) -> Result<Option<Treatment>, TrainError> {
    let config = config_of(folder)?;
    let candidates = match choice {
        Some(_) => treatment(&config, finding, choice)?.into_iter().collect(),
        None => treatments(&config, finding)?,
    };
    for candidate in candidates {
        let present = config.optimizer.learning_rate();
        let Some(race) = measured(folder, &candidate, present)? else { return Ok(Some(candidate)) };
        let rate_alone = matches!(candidate.remedy, Remedy::ScaleLearningRate { .. });
        if !rate_alone || race.best != present {
            return Ok(Some(with_rate(candidate, present, &race)));
        }
    }
    Ok(None)
}

/// Tries rates from the starting point of `treatment`; `None` for a treatment unrelated to the learning rate.
fn measured(folder: &RunFolder, treatment: &Treatment, present: f64) -> Result<Option<RateRace>, TrainError> {
    if !concerns_rate(&treatment.remedy) {
        return Ok(None);
    }
    let pool = threads::pool(treatment.config.train.threads)
        .map_err(|error| TrainError::setting("train.threads", format!("cannot start threads: {error}; use fewer")))?;
    pool.install(|| {
        let config = &treatment.config;
        let mut session = Session::new(config, load_data(config)?)?;
        let mut first_step = 0;
        let checkpoint = folder.last_checkpoint();
        if treatment.goes_on(folder)? {
            first_step = session.read_last(&config_of(folder)?.fingerprint(), &checkpoint)?.step;
        }
        if let Some(surgery) = &treatment.surgery {
            surgery.apply(&mut session, config)?;
        }
        let total = config.train.epochs * session.training_batches().steps_per_epoch() as u64;
        let steps = ((total as f64 * SHARE) as u64).clamp(STEPS.0, STEPS.1).min(total.max(1));
        let stretch = Stretch {
            first_step,
            steps,
            most_steps: (MOST_TRAININGS * total).max(steps),
            guessing: guessing_loss(&session).map(f64::from),
            deadline: Instant::now() + BUDGET,
        };
        rate_race(&mut session, present, stretch).map(Some)
    })
}

/// Returns true if the remedy affects the learning rate: directly, or through the scale of signals and gradients.
fn concerns_rate(remedy: &Remedy) -> bool {
    matches!(
        remedy,
        Remedy::ScaleLearningRate { .. }
            | Remedy::AddPreprocess { .. }
            | Remedy::SetInit { .. }
            | Remedy::ShrinkLastLayer { .. }
            | Remedy::SetActivation { .. }
            | Remedy::AddActivation { .. }
            | Remedy::RemoveOutputActivation { .. }
            | Remedy::AddBatchNorm
            | Remedy::WidenHiddenLayers { .. }
    )
}

/// Returns `treatment` with the best rate.
fn with_rate(mut treatment: Treatment, present: f64, race: &RateRace) -> Treatment {
    const KEY: &str = "optimizer.learning_rate=";
    treatment.config.optimizer = treatment.config.optimizer.with_learning_rate(race.best);
    treatment.settings.retain(|setting| !setting.starts_with(KEY));
    if race.best != present {
        treatment.settings.push(format!("{KEY}{}", exact(race.best)));
    }
    if let Remedy::ScaleLearningRate { factor, value } = &mut treatment.remedy {
        (*factor, *value) = (race.best / present, Some(race.best));
    }
    treatment
}
