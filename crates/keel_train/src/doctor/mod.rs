//! The doctor: a failing training run is repeated, diagnosed and changed until it works or nothing helps.
//!
//! A change is kept only if it improves the validation result beyond the spread over seeds. The final config is compared with
//! the initial one over seeds that were not used for any decision. The test split is measured only for that final report.

mod advice;
mod advised_change;
mod budget;
mod candidate;
mod intervention;
mod network_changes;
mod progress;
mod proposal;
mod search;
mod settings_changed;
mod story;
mod trainings;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use keel_data::SplitDataset;

pub use advised_change::{AdvisedChange, UsualSettings};
pub use progress::{DoctorObserver, TrainingPlace};
pub use proposal::Proposal;
pub use story::{Attempt, Ending, Found, Judgement, Measured, SettingChange, Story};

use crate::auto;
use crate::config::Config;
use crate::error::TrainError;
use crate::threads;

/// Number of seeds over which the initial and the final config are compared; none of them is used for a decision about a
/// change.
pub const FINAL_SEEDS: u64 = 3;

/// Minimum number of training runs for the doctor to be useful: six to compare one change with the initial config over three
/// seeds, and the runs of the final comparison.
pub const LEAST_TRAININGS: u64 = 6 + 2 * FINAL_SEEDS;

/// Limits of the search.
#[derive(Debug, Clone)]
pub struct DoctorOptions {
    /// Seconds after which no new change is tried; includes the final comparison.
    pub seconds: f64,
    /// Maximum number of training runs, including the final comparison; `None` for as many as the time allows.
    pub trainings: Option<u64>,
    /// Folder for temporary runs on disk; they are removed.
    pub scratch: PathBuf,
    /// Stops everything at the next step boundary once it is true.
    pub stop: Arc<AtomicBool>,
}

/// Result of a treatment.
#[derive(Debug, Clone)]
pub struct Treated {
    /// Record of the treatment: findings, attempts and changes, with numbers.
    pub story: Story,
    /// Final config.
    pub config: Config,
}

/// Treats the training run of `config` on `data`; `observer` is notified of every training run and of every change of the
/// story.
///
/// # Errors
/// If the given config cannot be trained at all, or an epoch takes longer than the time allows.
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
