//! A trainer's run, in a folder or in memory.

use super::memory_run::{MemoryRecord, MemoryRun};
use super::new_folder::new_folder;
use super::prepared::Prepared;
use super::run::{Run, TrainedRun};
use super::{Training, TrainingObserver};
use crate::error::TrainError;
use crate::runs::RunFolder;
use crate::session::Session;

pub(super) fn run(trainer: Training, observer: &mut dyn TrainingObserver) -> Result<TrainedRun, TrainError> {
    let Training { config, data, continued, stop } = trainer;
    let mut prepared = Prepared::new(&config, data)?;
    prepared.measure(continued.is_none())?;
    let mut folder = match continued {
        Some(folder) => {
            check_data(&folder, &prepared.session)?;
            prepared.choices = folder.read_summary().map(|summary| summary.choices).unwrap_or_default();
            folder
        }
        None => new_folder(&prepared.config, &prepared.session)?,
    };
    let summary = Run::begin(prepared, &mut folder, observer, stop)?.complete()?;
    Ok(TrainedRun { folder, summary })
}

pub(super) fn run_in_memory(trainer: Training, observer: &mut dyn TrainingObserver) -> Result<MemoryRun, TrainError> {
    let Training { config, data, stop, .. } = trainer;
    let mut prepared = Prepared::new(&config, data)?;
    prepared.measure(true)?;
    let mut record = MemoryRecord::new(&prepared.config)?;
    let summary = Run::begin(prepared, &mut record, observer, stop)?.complete()?;
    Ok(MemoryRun::new(summary, record))
}

/// A run goes on with the samples it began with, divided in the same way.
fn check_data(folder: &RunFolder, session: &Session) -> Result<(), TrainError> {
    let began = folder.read_summary().ok().and_then(|summary| summary.data_fingerprint);
    let given = session.data().fingerprint();
    let Some(began) = began.filter(|began| *began != given) else { return Ok(()) };
    let samples = |fingerprint: &str| fingerprint.split('-').next().map(str::to_owned);
    let what = match samples(&began) == samples(&given) {
        true => "the same samples, but another division into training, validation and test",
        false => "other samples",
    };
    let message = format!(
        "the run in {} was trained on {what} (fingerprint {began}, the data given has {given}); give the data it was \
         trained on, or train a new run",
        folder.path().display()
    );
    Err(TrainError::setting("data", message))
}
