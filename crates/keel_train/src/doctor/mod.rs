//! The doctor: a training that fails is trained, judged, changed and trained again, until it works or nothing helps.
//!
//! A change is kept only if it makes the validation result better beyond the spread over seeds. The end is compared with the
//! start over seeds that decided nothing before. The test split is measured for that last report alone.

mod advice;
mod budget;
mod candidate;
mod intervention;
mod network_changes;
mod progress;
mod search;
mod settings_changed;
mod story;
mod trainings;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use keel_data::SplitDataset;

pub use progress::{DoctorObserver, TrainingPlace};
pub use story::{Attempt, Ending, Found, Judgement, Measured, SettingChange, Story};

use crate::auto;
use crate::config::Config;
use crate::error::TrainError;
use crate::threads;

/// Seeds over which the start and the end are compared; none of them decides about a change.
pub const FINAL_SEEDS: u64 = 3;

/// Fewest trainings the doctor can do anything with: one of the start, three of a change over the seeds, and those of the
/// comparison at the end.
pub const LEAST_TRAININGS: u64 = 6 + 2 * FINAL_SEEDS;

/// Amount of training.
#[derive(Debug, Clone)]
pub struct DoctorOptions {
    /// Seconds after which no new change is tried; the comparison at the end is part of them.
    pub seconds: f64,
    /// Maximum number of trainings, the comparison at the end included; `None` for as many as the time allows.
    pub trainings: Option<u64>,
    /// Folder for the runs that have to be on disk; they are removed.
    pub scratch: PathBuf,
    /// Ends everything at the next step boundary once it is true.
    pub stop: Arc<AtomicBool>,
}

/// The outcome.
#[derive(Debug, Clone)]
pub struct Treated {
    /// Story of the treatment: findings, attempts and changes, with numbers.
    pub story: Story,
    /// The config at the end.
    pub config: Config,
}

/// Treats the training of `config` on `data`; `observer` hears of every training and of every change of the story.
///
/// # Errors
/// The config as given cannot be trained at all, or an epoch takes longer than the time allows.
pub fn treat(
    config: &Config,
    data: SplitDataset,
    options: &DoctorOptions,
    observer: &mut dyn DoctorObserver,
) -> Result<Treated, TrainError> {
    let open = config.clone().settled();
    let auto::Resolved { config, data, .. } = threads::pool_of(&open)?.install(|| auto::resolve(&open, data))?;
    search::Search::new(config, data, options, observer).run()
}

#[cfg(test)]
mod tests;
