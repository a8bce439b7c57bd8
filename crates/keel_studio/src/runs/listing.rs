//! Listing of the folder of runs, with the state of each run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keel_train::runs::{RunFolder, RunState};

use super::entry::RunEntry;
use super::stamp::Stamp;
use crate::error::Refusal;

/// Minimum time between two readings of the list.
const FRESH: Duration = Duration::from_millis(900);

/// The list at one moment, sorted by name.
pub(crate) type Listed = Arc<BTreeMap<String, Arc<RunEntry>>>;

/// Folder of runs, read at most once per [`FRESH`] for any number of requests.
#[derive(Debug)]
pub(crate) struct Listing {
    folder: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    at: Option<Instant>,
    runs: Listed,
    stamps: BTreeMap<String, Stamp>,
}

impl Listing {
    /// Creates the listing of `folder`, which may not exist.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Listing { folder, read: Mutex::default() }
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the runs, at most [`FRESH`] old. A file with unchanged time and size is not read again.
    pub(crate) fn runs(&self) -> Listed {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.at.is_none_or(|at| at.elapsed() >= FRESH) {
            self.scan(&mut read);
            read.at = Some(Instant::now());
        }
        Arc::clone(&read.runs)
    }

    /// Returns the folder of the run `name`, which must be in the list: a name is compared and never made into a path.
    ///
    /// # Errors
    /// Fails if there is no run of that name.
    pub(crate) fn find(&self, name: &str) -> Result<RunFolder, Refusal> {
        self.entry(name).map(drop)?;
        RunFolder::open(&self.folder.join(name)).map_err(Refusal::missing)
    }

    /// Returns the run `name`.
    ///
    /// # Errors
    /// Fails if there is no run of that name.
    pub(crate) fn entry(&self, name: &str) -> Result<Arc<RunEntry>, Refusal> {
        let missing = || Refusal::missing(format!("there is no run {name:?} in {}", self.folder.display()));
        self.runs().get(name).cloned().ok_or_else(missing)
    }

    fn scan(&self, read: &mut Read) {
        let mut runs = BTreeMap::new();
        let mut stamps = BTreeMap::new();
        for name in names(&self.folder) {
            let Ok(folder) = RunFolder::open(&self.folder.join(&name)) else { continue };
            let stamp = Stamp::of(&folder);
            let known = read.runs.get(&name).filter(|entry| {
                // A killed process changes no file, so running entries are always read again.
                entry.state != RunState::Running && read.stamps.get(&name) == Some(&stamp) && is_at_rest(entry, &folder)
            });
            let entry = known.cloned().unwrap_or_else(|| Arc::new(RunEntry::read(&name, &folder, &stamp)));
            runs.insert(name.clone(), entry);
            stamps.insert(name, stamp);
        }
        *read = Read { at: read.at, runs: Arc::new(runs), stamps };
    }
}

/// Returns true if no process has resumed a run that had ended.
fn is_at_rest(entry: &RunEntry, folder: &RunFolder) -> bool {
    entry.state == RunState::Finished || folder.writer().is_none()
}

/// Returns the names of the folders in `folder`; names that are not UTF-8 have no address and are left out.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
