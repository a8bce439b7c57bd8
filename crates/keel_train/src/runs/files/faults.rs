//! Injected faults for tests: the n-th operation below a folder fails, or all from it on, as if the process had been killed.
//! Only in tests and builds with debug assertions, not in released programs.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Operation;

/// A fault that is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with this error, later ones are executed.
    Error(ErrorKind),
    /// Neither this operation nor a later one is executed.
    Kill,
}

/// A completed operation, with everything needed to repeat it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A folder was created.
    CreateFolder(PathBuf),
    /// An empty file was created.
    Create(PathBuf),
    /// Bytes were appended to a file.
    Write(PathBuf, Vec<u8>),
    /// The bytes of a file were synced to disk.
    Sync(PathBuf),
    /// A file was renamed.
    Rename(PathBuf, PathBuf),
    /// The entries of a folder were synced to disk.
    SyncFolder(PathBuf),
    /// A file was removed.
    Remove(PathBuf),
    /// Rows of a database were committed to disk; its files and their contents.
    Commit(Vec<(PathBuf, Vec<u8>)>),
}

impl Event {
    fn path(&self) -> Option<&Path> {
        match self {
            Event::CreateFolder(path)
            | Event::Create(path)
            | Event::Write(path, _)
            | Event::Sync(path)
            | Event::Rename(path, _)
            | Event::SyncFolder(path)
            | Event::Remove(path) => Some(path),
            Event::Commit(files) => files.first().map(|(path, _)| path.as_path()),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    operations: u64,
    last: Option<Operation>,
    killed: bool,
    events: Vec<Event>,
}

#[derive(Debug)]
struct Watched {
    root: PathBuf,
    fault: Option<(u64, Fault)>,
    records: bool,
    state: Mutex<State>,
}

static WATCHED: Mutex<Vec<Arc<Watched>>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watched(path: &Path) -> Option<Arc<Watched>> {
    locked(&WATCHED).iter().find(|watched| path.starts_with(&watched.root)).cloned()
}

/// Counts, records or faults the operations below a folder, until it is dropped.
#[derive(Debug)]
pub struct Injection(Arc<Watched>);

impl Injection {
    /// Injects `fault` into the operation number `number` below `root`, counted from 1.
    pub fn at(root: &Path, number: u64, fault: Fault) -> Self {
        Injection::begin(root, Some((number, fault)), false)
    }

    /// Records everything without a fault.
    pub fn recording(root: &Path) -> Self {
        Injection::begin(root, None, true)
    }

    fn begin(root: &Path, fault: Option<(u64, Fault)>, records: bool) -> Self {
        let watched = Arc::new(Watched { root: root.to_owned(), fault, records, state: Mutex::default() });
        locked(&WATCHED).push(Arc::clone(&watched));
        Injection(watched)
    }

    /// Returns true if the operation of the fault was reached.
    pub fn hit(&self) -> bool {
        self.0.fault.is_some_and(|(number, _)| locked(&self.0.state).operations >= number)
    }

    /// Returns the operation of the fault, or the last one if it was not reached.
    pub fn last(&self) -> Option<Operation> {
        locked(&self.0.state).last
    }

    /// Returns the number of operations so far.
    pub fn operations(&self) -> u64 {
        locked(&self.0.state).operations
    }

    /// Returns the operations so far, in order.
    pub fn events(&self) -> Vec<Event> {
        locked(&self.0.state).events.clone()
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        locked(&WATCHED).retain(|watched| !Arc::ptr_eq(watched, &self.0));
    }
}

/// Counts an operation before it is executed.
pub(super) fn before(operation: Operation, path: &Path) -> io::Result<()> {
    let Some(watched) = watched(path) else { return Ok(()) };
    let mut state = locked(&watched.state);
    if state.killed {
        return Err(io::Error::other("the process was killed (injected)"));
    }
    state.operations += 1;
    let fault = watched.fault.filter(|(number, _)| *number == state.operations);
    if watched.fault.is_none_or(|(number, _)| state.operations <= number) {
        state.last = Some(operation);
    }
    match fault {
        None => Ok(()),
        Some((_, Fault::Error(kind))) => Err(io::Error::new(kind, format!("{kind} (injected)"))),
        Some((_, Fault::Kill)) => {
            state.killed = true;
            Err(io::Error::other("the process was killed (injected)"))
        }
    }
}

/// Records a completed operation if recording is on.
pub(crate) fn note(event: impl FnOnce() -> Event) {
    if !locked(&WATCHED).iter().any(|watched| watched.records) {
        return;
    }
    let event = event();
    let Some(watched) = event.path().and_then(watched).filter(|watched| watched.records) else { return };
    locked(&watched.state).events.push(event);
}
