//! Ctrl-C: what is under way ends at a boundary where it can, and at once, with nothing left over, where it cannot.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

/// What a Ctrl-C has to see to.
struct UnderWay {
    /// Raised by the first one; work that does not look at it ends at once.
    stop: Option<Arc<AtomicBool>>,
    /// Folder to remove before the program ends at once.
    scratch: Option<PathBuf>,
}

static UNDER_WAY: Mutex<UnderWay> = Mutex::new(UnderWay { stop: None, scratch: None });

fn under_way() -> MutexGuard<'static, UnderWay> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for Ctrl-C until the program ends.
///
/// # Errors
/// The system does not allow it.
pub(crate) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(interrupted).map_err(|error| {
        Failure::new(format!("cannot listen for Ctrl-C: {error}"))
            .next_step("Start the program from a terminal or service that allows signal handlers")
    })
}

/// A flag the next Ctrl-C raises; the one after it ends the program.
pub(crate) fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    under_way().stop = Some(Arc::clone(&stop));
    stop
}

/// A temporary folder, removed when this is dropped or the program is interrupted.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// An empty folder in the system's place for temporary ones.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new(purpose: &str) -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("evenkeel-{purpose}-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| {
            Failure::new(format!("cannot make the temporary folder {}: {error}", path.display()))
                .next_step("Make room there, or name another place with the environment variable TMPDIR")
        })?;
        under_way().scratch = Some(path.clone());
        Ok(Scratch { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        under_way().scratch = None;
        // Left-overs in the temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn interrupted() {
    let state = under_way();
    if let Some(stop) = &state.stop
        && !stop.swap(true, Ordering::Relaxed)
    {
        return;
    }
    // Work goes on beside the removal until the program ends; what it writes meanwhile is removed by the second pass.
    for _ in 0..2 {
        state.scratch.iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
    }
    let _ = writeln!(io::stderr().lock(), "\nstopped at once");
    std::process::exit(2);
}
