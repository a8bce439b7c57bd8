//! Handles Ctrl-C: work ends at a boundary if it can, and otherwise immediately, without leftovers.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

/// Environment variable with the folder for temporary folders.
const PLACE_VARIABLE: &str = if cfg!(windows) { "TMP" } else { "TMPDIR" };

/// State of the Ctrl-C handler.
struct UnderWay {
    /// Flag set by the first Ctrl-C; work that does not check it ends immediately.
    stop: Option<Arc<AtomicBool>>,
    /// Folder to remove before the program ends immediately.
    scratch: Option<PathBuf>,
}

static UNDER_WAY: Mutex<UnderWay> = Mutex::new(UnderWay { stop: None, scratch: None });

fn under_way() -> MutexGuard<'static, UnderWay> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Handles Ctrl-C until the program ends.
///
/// # Errors
/// If the system does not allow it.
pub(crate) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(interrupted).map_err(|error| {
        Failure::new(format!("cannot listen for Ctrl-C: {error}"))
            .next_step("Start the program from a terminal or service that allows signal handlers")
    })
}

/// Returns a flag that the next Ctrl-C sets; the one after it ends the program.
pub(crate) fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    under_way().stop = Some(Arc::clone(&stop));
    stop
}

/// A temporary folder that only its user can open, removed when this is dropped or the program is interrupted. A folder left by
/// a killed process is removed when the next one is created.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// Lock held as long as the folder is in use.
    _lock: File,
}

/// Prefix of the names of temporary folders.
const SCRATCH: &str = "evenkeel-";

/// File in a temporary folder on which its process holds a lock.
const SCRATCH_LOCK: &str = ".lock";

impl Scratch {
    /// Creates an empty folder in the system's folder for temporary files.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(crate) fn new(purpose: &str) -> Result<Self, Failure> {
        let place = std::env::temp_dir();
        remove_abandoned(&place);
        Scratch::make(&place, purpose).map_err(|error| {
            Failure::new(format!("cannot create a temporary folder in {}: {error}", place.display())).next_step(
                format!("Free space there, or name another folder with the environment variable {PLACE_VARIABLE}"),
            )
        })
    }

    fn make(place: &Path, purpose: &str) -> io::Result<Self> {
        let prefix = format!("{SCRATCH}{purpose}-");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(place)?;
        let lock = File::create_new(folder.path().join(SCRATCH_LOCK))?;
        lock.lock()?;
        let path = folder.keep();
        under_way().scratch = Some(path.clone());
        Ok(Scratch { path, _lock: lock })
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        under_way().scratch = None;
        // Leftovers are removed when the next folder is created.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the temporary folders in `place` whose process has ended; those of other users cannot be removed and stay.
fn remove_abandoned(place: &Path) {
    let Ok(entries) = std::fs::read_dir(place) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(SCRATCH)) {
        let Ok(lock) = File::options().write(true).open(entry.path().join(SCRATCH_LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn interrupted() {
    let state = under_way();
    if let Some(stop) = &state.stop
        && !stop.swap(true, Ordering::Relaxed)
    {
        return;
    }
    // Work continues during the removal until the program ends; files written in the meantime are removed by the second pass.
    for _ in 0..2 {
        state.scratch.iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
    }
    let _ = writeln!(io::stderr().lock(), "\nstopped at once");
    std::process::exit(2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_folders_go_and_those_in_use_stay() {
        let place = tempfile::tempdir().unwrap();
        let used = Scratch::make(place.path(), "proof").unwrap();
        let abandoned = place.path().join("evenkeel-proof-abc");
        std::fs::create_dir_all(abandoned.join("run")).unwrap();
        std::fs::write(abandoned.join(SCRATCH_LOCK), "").unwrap();
        let other = place.path().join("evenkeel-notes");
        std::fs::create_dir(&other).unwrap();
        remove_abandoned(place.path());
        assert!(used.path().exists() && !abandoned.exists() && other.exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(used.path()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }
}
