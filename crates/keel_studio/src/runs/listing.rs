//! The folder of runs, with the state of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keel_train::runs::RunFolder;

use super::entry::{RunEntry, RunState};
use super::stamp::Stamp;
use crate::error::Refusal;

/// Time for which the list is not read again.
const FRESH: Duration = Duration::from_millis(900);

/// The list at one moment; of names in order.
pub(crate) type Listed = Arc<BTreeMap<String, Arc<RunEntry>>>;

/// The folder of runs, read at most once in [`FRESH`] for any number of requests.
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
    /// The runs in `folder`, which may be missing.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Listing { folder, read: Mutex::default() }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The runs, at most [`FRESH`] old. A file whose time and size are the same is not read again.
    pub(crate) fn runs(&self) -> Listed {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.at.is_none_or(|at| at.elapsed() >= FRESH) {
            self.scan(&mut read);
            read.at = Some(Instant::now());
        }
        Arc::clone(&read.runs)
    }

    /// The folder of the run `name`, which must be one of those that are listed: a name is compared and never made a path.
    ///
    /// # Errors
    /// There is no run of that name.
    pub(crate) fn find(&self, name: &str) -> Result<RunFolder, Refusal> {
        self.entry(name).map(drop)?;
        RunFolder::open(&self.folder.join(name)).map_err(Refusal::missing)
    }

    /// The run `name`.
    ///
    /// # Errors
    /// There is no run of that name.
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
                // A killed process changes no file, and time passes without one.
                entry.state != RunState::Running && read.stamps.get(&name) == Some(&stamp) && is_at_rest(entry, &folder)
            });
            let entry = known.cloned().unwrap_or_else(|| Arc::new(RunEntry::read(&name, &folder, &stamp)));
            runs.insert(name.clone(), entry);
            stamps.insert(name, stamp);
        }
        *read = Read { at: read.at, runs: Arc::new(runs), stamps };
    }
}

/// Returns true if no process has taken up a run that had ended.
fn is_at_rest(entry: &RunEntry, folder: &RunFolder) -> bool {
    entry.state == RunState::Finished || folder.writer().is_none()
}

/// Names of the folders in `folder`; those that are not UTF-8 have no address and are left out.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
