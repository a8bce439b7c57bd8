//! Every operation on a file of a run fails in turn, or the process ends there, or the power goes: the run opens, and
//! resumed it ends as one that was never disturbed.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keel_report::{ReportOptions, write_report};
use keel_train::remedies::{Fork, fork};
use keel_train::runs::files::Operation;
use keel_train::runs::files::faults::{Event, Fault, Injection};
use keel_train::runs::{
    Checkpoint, EpochRecord, FindingRecord, LayerSeries, MetricReader, RunFolder, Status, StepRecord, Summary,
};
use keel_train::{Config, Training, config};

/// A training run of six steps with something of everything: dropout, batch norm, momentum, averaged weights, findings, a
/// checkpoint after every step.
fn small(directory: &Path) -> Config {
    let overrides = [
        "data.source=spiral",
        "data.samples=120",
        "train.epochs=2",
        "train.batch_size=32",
        "train.threads=1",
        "train.averaging={type=\"ema\"}",
        "run.name=run",
        "run.checkpoint_seconds=1e-9",
        "model.layers=[{type=\"linear\",out_features=8},{type=\"batch_norm\"},{type=\"activation\",function=\"relu\"},{type=\"dropout\",probability=0.2},{type=\"linear\"}]",
    ];
    let mut overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    overrides.push(format!("run.directory={:?}", directory.display().to_string()));
    config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything a run leaves, without times and speeds.
#[derive(Debug, PartialEq)]
struct Outcome {
    summary: Summary,
    tensors: Vec<(String, Vec<u32>)>,
    steps: Vec<StepRecord>,
    epochs: Vec<EpochRecord>,
    layers: Vec<LayerSeries>,
    findings: Vec<FindingRecord>,
}

fn outcome(folder: &RunFolder) -> Outcome {
    let summary = folder.read_summary().unwrap();
    assert_eq!(summary.status, Status::Finished);
    let model = Checkpoint::<serde_json::Value>::read(&folder.model()).unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    let reader = MetricReader::open(&folder.metrics()).unwrap();
    let mut epochs = reader.epochs().unwrap();
    epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    Outcome {
        summary: Summary { seconds: 0.0, samples_per_second: 0.0, first_step_at: None, ..summary },
        tensors: model.tensors.iter().map(|tensor| (tensor.name.clone(), bits(&tensor.values))).collect(),
        steps: reader.steps().unwrap(),
        epochs,
        layers: reader.layers().unwrap(),
        findings: reader.findings().unwrap(),
    }
}

fn undisturbed() -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let run = Training::new(small(directory.path())).run(&mut ()).unwrap();
    outcome(&run.folder)
}

/// Asserts that every checkpoint and summary of a run that ended badly can be read.
fn check_readable(folder: &RunFolder, what: &str) {
    for (path, read) in [(folder.last_checkpoint(), true), (folder.best_checkpoint(), true), (folder.model(), true)] {
        if path.exists() {
            let checkpoint = Checkpoint::<serde_json::Value>::read(&path);
            assert!(checkpoint.is_ok() == read, "{what}: {checkpoint:?}");
        }
    }
    if folder.summary().exists() {
        folder.read_summary().unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

const FAULTS: [Fault; 4] = [
    Fault::Error(ErrorKind::StorageFull),
    Fault::Error(ErrorKind::Other),
    Fault::Error(ErrorKind::Interrupted),
    Fault::Kill,
];

#[test]
fn a_training_survives_a_fault_in_each_of_its_operations() {
    let whole = undisturbed();
    assert!(!whole.findings.is_empty(), "the training is to have findings");
    for fault in FAULTS {
        let mut resumed = 0;
        for number in 1.. {
            let directory = tempfile::tempdir().unwrap();
            let injection = Injection::at(directory.path(), number, fault);
            let trained = Training::new(small(directory.path())).run(&mut ());
            let (hit, operation) = (injection.hit(), injection.last());
            drop(injection);
            let what = format!("{fault:?} at operation {number}, {operation:?}");
            if !hit {
                assert!(number > 100, "{number} operations");
                trained.unwrap();
                break;
            }
            let folder = match RunFolder::open(&directory.path().join("run")) {
                Ok(folder) => folder,
                Err(error) => {
                    // Nothing was trained yet: the run is begun again.
                    assert!(number < 10 && error.to_string().contains("no "), "{what}: {error}");
                    continue;
                }
            };
            check_readable(&folder, &what);
            if operation == Some(Operation::Commit) && fault != Fault::Error(ErrorKind::Interrupted) {
                let status = folder.read_summary().unwrap().status;
                assert!(trained.is_err() && status != Status::Finished, "{what}: {status:?}");
            }
            if fault == Fault::Error(ErrorKind::Interrupted) {
                let run = trained.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(outcome(&run.folder) == whole, "{what}");
                resumed += 1;
                continue;
            }
            let run = Training::resume(folder.path()).and_then(|training| training.run(&mut ()));
            let run = run.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(outcome(&run.folder) == whole, "{what}: {:#?}\n{:#?}", outcome(&run.folder).summary, whole.summary);
            resumed += 1;
        }
        assert!(resumed > 100, "{fault:?}: {resumed} runs were compared");
    }
}

/// Stopped in the middle and continued under a fault, then continued again.
#[test]
fn a_resumption_survives_a_fault_in_each_of_its_operations() {
    let whole = undisturbed();
    for fault in [Fault::Error(ErrorKind::StorageFull), Fault::Kill] {
        for number in 1.. {
            let directory = tempfile::tempdir().unwrap();
            let injection = Injection::at(directory.path(), 90, Fault::Kill);
            Training::new(small(directory.path())).run(&mut ()).unwrap_err();
            drop(injection);
            let path = directory.path().join("run");
            let injection = Injection::at(directory.path(), number, fault);
            let trained = Training::resume(&path).and_then(|training| training.run(&mut ()));
            let (hit, operation) = (injection.hit(), injection.last());
            drop(injection);
            if !hit {
                assert!(number > 40, "{number} operations");
                assert!(outcome(&trained.unwrap().folder) == whole);
                break;
            }
            let what = format!("{fault:?} at operation {number}, {operation:?}");
            check_readable(&RunFolder::open(&path).unwrap(), &what);
            let run = Training::resume(&path).and_then(|training| training.run(&mut ()));
            let run = run.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(outcome(&run.folder) == whole, "{what}");
        }
    }
}

/// The continuation of a run with a change, as `fix` makes it, and the report: the run itself stays as it is.
#[test]
fn a_continuation_and_a_report_leave_the_run_as_it_is_whatever_fails() {
    let directory = tempfile::tempdir().unwrap();
    let run = Training::new(small(directory.path())).run(&mut ()).unwrap().folder;
    let before = outcome(&run);
    let changed = Config { ..small(directory.path()) };
    for fault in [Fault::Error(ErrorKind::StorageFull), Fault::Kill] {
        for number in 1.. {
            let target = tempfile::tempdir().unwrap();
            let injection = Injection::at(target.path(), number, fault);
            let change = Fork { run: &run, config: changed.clone(), surgery: None, from_start: false };
            let forked = fork(&change, target.path(), "fixed");
            let hit = injection.hit();
            drop(injection);
            if !hit {
                let finished = Training::resume(forked.unwrap().path()).unwrap().run(&mut ()).unwrap();
                assert_eq!((finished.summary.status, finished.summary.epochs), (Status::Finished, 4));
                assert!(number > 10, "{number} operations");
                break;
            }
            assert!(forked.is_err(), "{fault:?} at {number}");
            assert!(outcome(&run) == before);
            fork(&change, target.path(), "fixed").unwrap();
        }
        for number in 1.. {
            std::fs::write(run.report(), "old").unwrap();
            let injection = Injection::at(run.path(), number, fault);
            let written = write_report(run.path(), &ReportOptions::default());
            let (hit, operation) = (injection.hit(), injection.last());
            drop(injection);
            if !hit {
                written.unwrap();
                assert!(number > 5, "{number} operations");
                break;
            }
            assert!(written.is_err(), "{fault:?} at {number}");
            let text = std::fs::read_to_string(run.report()).unwrap();
            let whole = text.ends_with("</html>") || text.trim_end().ends_with("</html>");
            assert!(if operation == Some(Operation::SyncFolder) { whole } else { text == "old" }, "{operation:?}");
            assert!(outcome(&run) == before);
        }
    }
}

/// Files as a disk holds them: the part that reached it, and the part that is only in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Disk {
    /// Contents in memory and on the disk, by the name in memory.
    files: BTreeMap<PathBuf, (Vec<u8>, Vec<u8>)>,
    /// Names on the disk and the contents they lead to.
    durable: BTreeMap<PathBuf, Vec<u8>>,
    folders: Vec<PathBuf>,
    /// Files of the database at its last commit.
    database: Vec<(PathBuf, Vec<u8>)>,
}

impl Disk {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::CreateFolder(path) => self.folders.push(path.clone()),
            Event::Create(path) => drop(self.files.insert(path.clone(), Default::default())),
            Event::Write(path, bytes) => self.files.get_mut(path).unwrap().0.extend_from_slice(bytes),
            Event::Sync(path) => {
                let file = self.files.get_mut(path).unwrap();
                file.1 = file.0.clone();
            }
            Event::Rename(from, to) => {
                let file = self.files.remove(from).unwrap();
                self.files.insert(to.clone(), file);
            }
            Event::SyncFolder(folder) => {
                self.durable.retain(|path, _| path.parent() != Some(folder));
                let inside = self.files.iter().filter(|(path, _)| path.parent() == Some(folder));
                self.durable.extend(inside.map(|(path, file)| (path.clone(), file.1.clone())));
            }
            Event::Remove(path) => drop(self.files.remove(path)),
            Event::Commit(files) => self.database.clone_from(files),
        }
    }

    /// Files after a loss of power, by name; `names_are_lost` leaves out renames that were not synced.
    fn after_power_loss(&self, names_are_lost: bool) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = match names_are_lost {
            true => self.durable.clone(),
            false => self.files.iter().map(|(path, file)| (path.clone(), file.1.clone())).collect(),
        };
        files.extend(self.database.iter().cloned());
        files
    }
}

/// The power fails after each operation: data that had not reached the disk is lost, and no checkpoint is newer than the rows
/// that belong to it.
#[test]
fn a_training_survives_the_loss_of_power_behind_each_of_its_operations() {
    let whole = undisturbed();
    let directory = tempfile::tempdir().unwrap();
    let recording = Injection::recording(directory.path());
    Training::new(small(directory.path())).run(&mut ()).unwrap();
    let events = recording.events();
    drop(recording);
    let (mut disk, mut seen, mut resumed) = (Disk::default(), Vec::new(), 0);
    for (number, event) in events.iter().enumerate() {
        disk.apply(event);
        for names_are_lost in [true, false] {
            let files = disk.after_power_loss(names_are_lost);
            let began = files.contains_key(&directory.path().join("run/config.toml"));
            if seen.contains(&files) || !began {
                continue;
            }
            let place = tempfile::tempdir().unwrap();
            let there = |path: &Path| place.path().join(path.strip_prefix(directory.path()).unwrap());
            disk.folders.iter().for_each(|folder| std::fs::create_dir_all(there(folder)).unwrap());
            files.iter().for_each(|(path, bytes)| std::fs::write(there(path), bytes).unwrap());
            let run = Training::resume(&place.path().join("run")).and_then(|training| training.run(&mut ()));
            let run = run.unwrap_or_else(|error| panic!("behind {number}, {names_are_lost}: {error}"));
            assert!(outcome(&run.folder) == whole, "behind {number}, {names_are_lost}");
            resumed += 1;
            seen.push(files);
        }
    }
    assert!(resumed > 20, "{resumed} of {} operations led to another disk", events.len());
}
