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
use crate::loading::{ChangedData, compare_data};
use crate::runs::{Machine, RunFolder, Summary, VERSION};

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
            let changed = if allow_changed_data { ChangedData::Allowed } else { ChangedData::Refused };
            let change = compare_data(&folder, &prepared.config, prepared.session.data(), changed)?;
            prepared.notes.notes.extend(change.map(|change| format!("begun on {change}")));
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
