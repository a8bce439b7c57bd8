//! The lock of a run: one process at a time writes to it, any process may read.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::RunFolder;
use super::files::{Operation, attempt};
use crate::error::TrainError;

/// Pauses before a held lock is tried again: a process that queries the [`Writer`] of a run holds it for a moment.
const PAUSES: [Duration; 3] = [Duration::from_millis(2), Duration::from_millis(8), Duration::from_millis(30)];

/// Right to write to a run, until it is dropped or the process ends for any reason.
///
/// The system holds the lock for the open file, so the lock of a dead process is free. The file names its holder for rejected
/// processes; it remains after the lock is released.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Process that writes to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Display name: `process 123 (`evenkeel train`)`.
    pub name: String,
    /// Process id on its machine.
    pub process: Option<u32>,
}

impl RunFolder {
    /// Returns the holder of the lock of the run. `None` if it is free, or if the file system has no locks.
    pub fn writer(&self) -> Option<Writer> {
        let file = File::open(self.lock_file()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let name = holder(file);
                let number = name.strip_prefix("process ").and_then(|rest| rest.split(' ').next());
                Some(Writer { process: number.and_then(|number| number.parse().ok()), name })
            }
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// Takes the lock of the run.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the process that holds it, or the file if it cannot be written.
    pub fn lock(&self) -> Result<RunLock, TrainError> {
        let path = self.lock_file();
        let taken = attempt(Operation::Lock, &path, || take(&path)).map_err(|error| TrainError::run(&path, error))?;
        taken.map_err(|holder| {
            let next = "wait until it has ended, or stop it; to train at the same time, start a new run";
            TrainError::of_file(self.path(), format!("{holder} is writing to this run"), next)
        })
    }
}

/// Returns the lock, or its holder.
fn take(path: &Path) -> io::Result<Result<RunLock, String>> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let mut taken = file.try_lock();
    for pause in PAUSES {
        if matches!(taken, Err(TryLockError::WouldBlock)) {
            sleep(pause);
            taken = file.try_lock();
        }
    }
    match taken {
        Ok(()) => {
            // The name of the holder is only informative; the lock works without it.
            let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", own_name()));
            Ok(Ok(RunLock { _file: file }))
        }
        Err(TryLockError::WouldBlock) => Ok(Err(holder(file))),
        // Some network file systems have no locks; there, the user must avoid concurrent writers.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(Ok(RunLock { _file: file }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns the name that the holder of a lock wrote into its file.
fn holder(file: File) -> String {
    let mut text = String::new();
    let _ = file.take(200).read_to_string(&mut text);
    let name = text.lines().next().filter(|line| !line.is_empty());
    name.map_or_else(|| "another process".to_owned(), str::to_owned)
}

/// Returns `process 123` with the command that started it.
fn own_name() -> String {
    let command: Vec<String> = std::env::args().map(|argument| argument.escape_debug().to_string()).collect();
    let command: String = command.join(" ").chars().take(120).collect();
    format!("process {} (`{command}`)", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_is_named_and_a_lock_given_back_is_free() {
        let directory = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(directory.path(), "run").unwrap();
        let lock = folder.lock().unwrap();
        let refused = folder.lock().unwrap_err().to_string();
        let process = format!("process {}", std::process::id());
        assert!(refused.contains(&process) && refused.contains("is writing to this run; wait until"), "{refused}");
        assert_eq!(folder.writer().and_then(|writer| writer.process), Some(std::process::id()));
        drop(lock);
        std::fs::write(folder.lock_file(), "process 1 (`dead`)\nmore").unwrap();
        assert_eq!(folder.writer(), None, "a free lock has no holder, regardless of its file");
        let lock = folder.lock().unwrap();
        assert!(std::fs::read_to_string(folder.lock_file()).unwrap().starts_with(&process), "taken over");
        drop(lock);
    }
}
