//! A second run that continues from the state of another one, with a change.

use std::path::Path;

use keel_health::Monitor;
use keel_health::measurement::StartMeasurement;

use super::{Surgery, config_of};
use crate::config::Config;
use crate::error::TrainError;
use crate::health::describe_model;
use crate::loading::load_data;
use crate::runs::{RunFolder, TrainingState};
use crate::session::Session;
use crate::threads;

/// A continuation of a run.
#[derive(Debug, Clone)]
pub struct Fork<'a> {
    /// Original run, which is not changed.
    pub run: &'a RunFolder,
    /// The config of the continuation.
    pub config: Config,
    /// Change of the weights.
    pub surgery: Option<&'a Surgery>,
    /// True to start from the weights of the first step instead of the last checkpoint.
    pub from_start: bool,
}

/// Creates the folder `name` in `directory`, from which [`crate::Training::resume`] continues: the changed config, and a
/// checkpoint with the weights of the run's last one after the surgery. A finished run gets as many epochs again. Findings and
/// the best result are reset.
///
/// # Errors
/// If the run cannot be read, or the change does not fit it.
pub fn fork(fork: &Fork<'_>, directory: &Path, name: &str) -> Result<RunFolder, TrainError> {
    let pool = threads::pool(fork.config.train.threads)
        .map_err(|error| TrainError::setting("train.threads", format!("cannot start threads: {error}; use fewer")))?;
    pool.install(|| build(fork, directory, name))
}

fn build(fork: &Fork<'_>, directory: &Path, name: &str) -> Result<RunFolder, TrainError> {
    let original = config_of(fork.run)?;
    let mut config = fork.config.clone();
    config.run.directory = directory.display().to_string();
    config.run.name = name.to_owned();
    let mut session = Session::new(&config, load_data(&config)?)?;
    let checkpoint = fork.run.last_checkpoint();
    let mut state = TrainingState::default();
    if !fork.from_start && checkpoint.exists() {
        state = session.read_last(&original.fingerprint(), &checkpoint)?;
        if state.epoch >= config.train.epochs {
            config.train.epochs = state.epoch + original.train.epochs;
        }
        let mut quiet = Monitor::new(describe_model(&config, &session));
        quiet.start(&StartMeasurement::default());
        state.health = Some(quiet.state());
    }
    if let Some(surgery) = fork.surgery {
        surgery.apply(&mut session, &config)?;
    }
    if config.train.batch_size != original.train.batch_size {
        // The epoch is divided differently, so it begins again.
        state.step = state.epoch * session.training_batches().steps_per_epoch() as u64;
        (state.step_in_epoch, state.epoch_samples, state.epoch_right, state.epoch_loss_sum) = (0, 0, 0, 0.0);
    }
    (state.best_score, state.best_left_out, state.best_epoch, state.seconds) = (None, 0, 0, 0.0);
    state.fingerprint = config.fingerprint();
    // The database is empty, and the data may be prepared and split differently.
    state.finding_rows = 0;
    state.data_fingerprint = String::new();
    let folder = RunFolder::create(directory, name)?;
    folder.write_text(&folder.config(), &config.to_toml())?;
    session.write_last(&state, &folder.last_checkpoint())?;
    Ok(folder)
}
