//! Starts a run in a folder or in memory.

use std::path::PathBuf;

use super::journal::RunNotes;
use super::memory_run::{MemoryRecord, MemoryRun};
use super::new_folder::new_folder;
use super::prepared::Prepared;
use super::ranks::{self, StartFiles};
use super::record::{FolderRecord, Record as _};
use super::run::{Run, TrainedRun};
use super::{Continued, Training, TrainingObserver};
use crate::error::TrainError;
use crate::runs::{Checkpoint, Machine, RunFolder, Summary, TrainingState, VERSION};
use crate::session::Session;

pub(super) fn run(trainer: Training, observer: &mut dyn TrainingObserver) -> Result<TrainedRun, TrainError> {
    let Training { config, data, continued, resumes, stop, ranks, choices, timeline, .. } = trainer;
    let mut prepared = Prepared::new(&config, data, resumes, ranks)?;
    prepared.notes.choices.splice(0..0, choices);
    ranks::check_alike(&prepared)?;
    prepared.measure(!resumes)?;
    if timeline {
        prepared.session.ranks().record_timeline()?;
    }
    let connection = prepared.session.ranks().clone();
    let (communicator, rank) = (connection.communicator(), connection.share().rank);
    if rank > 0 {
        let path = ranks::of_first::<PathBuf>(communicator, None)?.unwrap_or_default();
        let start = StartFiles::of_first(&connection, None)?;
        let mut record = MemoryRecord::new(&prepared.config).starting_from(start)?;
        let summary = Run::begin(prepared, &mut record, observer, stop)?.complete()?;
        return Ok(TrainedRun::new(RunFolder::of_other_rank(&path), summary, record.measurements()));
    }
    let (folder, _lock) = match continued {
        Some(Continued { folder, lock, allow_changed_data }) => {
            prepared.notes = notes_before(&folder);
            prepared.notes.notes.extend(changed_data(&folder, &prepared.session, allow_changed_data)?);
            (folder, lock)
        }
        None => new_folder(&prepared.config, &prepared.session)?,
    };
    ranks::of_first(communicator, Some(&folder.path().to_path_buf()))?;
    StartFiles::of_first(&connection, Some(&folder))?;
    let mut record = FolderRecord::new(folder.clone());
    let summary = Run::begin(prepared, &mut record, observer, stop)?.complete()?;
    Ok(TrainedRun::new(folder, summary, record.measurements()))
}

pub(super) fn run_in_memory(trainer: Training, observer: &mut dyn TrainingObserver) -> Result<MemoryRun, TrainError> {
    let Training { config, data, stop, ranks, choices, .. } = trainer;
    let mut prepared = Prepared::new(&config, data, false, ranks)?;
    prepared.notes.choices.splice(0..0, choices);
    ranks::check_alike(&prepared)?;
    prepared.measure(true)?;
    let mut record = MemoryRecord::new(&prepared.config);
    let summary = Run::begin(prepared, &mut record, observer, stop)?.complete()?;
    Ok(MemoryRun::new(summary, record))
}

/// Returns the notes of the resumed run so far, and notes on differences in version and machine since its last start.
fn notes_before(folder: &RunFolder) -> RunNotes {
    let Ok(Summary { choices, mut notes, version, machine, .. }) = folder.read_summary() else {
        return RunNotes::default();
    };
    let now = Machine::this();
    if version != VERSION {
        notes.push(format!(
            "begun by version {version}, resumed by {VERSION}: results may differ from those of one version alone"
        ));
    }
    if (&machine.simd, &machine.architecture) != (&now.simd, &now.architecture) {
        notes.push(format!(
            "begun on {} ({}), resumed on {} ({}): sums are computed in a different order, so the last digits of weights may differ \
             from those of a run that never stopped",
            machine.architecture, machine.simd, now.architecture, now.simd
        ));
    }
    RunNotes { choices, notes }
}

/// Checks that a resumed run has the same samples and splits as before; returns a note if they differ and `allowed` is set.
fn changed_data(folder: &RunFolder, session: &Session, allowed: bool) -> Result<Option<String>, TrainError> {
    let Some(began) = data_of(folder) else { return Ok(None) };
    let given = session.data().fingerprint();
    if began == given {
        return Ok(None);
    }
    let samples = |fingerprint: &str| fingerprint.split('-').next().map(str::to_owned);
    let what = match samples(&began) == samples(&given) {
        true => "the same samples, but a different split into training, validation and test",
        false => "other samples",
    };
    if allowed {
        return Ok(Some(format!("begun on {what} (fingerprint {began}), resumed on data with {given}")));
    }
    let message = format!(
        "the run in {} was trained on {what} (fingerprint {began}, the data given has {given}); give the data it was \
         trained on, allow the change with --allow-changed-data, or train a new run",
        folder.path().display()
    );
    Err(TrainError::setting("data", message))
}

/// Returns the fingerprint of the data that the run was trained on so far.
fn data_of(folder: &RunFolder) -> Option<String> {
    let in_brief = folder.read_summary().ok().and_then(|summary| summary.data_fingerprint);
    in_brief.or_else(|| {
        let last = Checkpoint::<TrainingState>::read(&folder.last_checkpoint()).ok()?;
        Some(last.description.data_fingerprint).filter(|fingerprint| !fingerprint.is_empty())
    })
}
