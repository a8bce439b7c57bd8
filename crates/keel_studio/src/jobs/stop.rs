//! Stopping of a process like Ctrl-C, so that a training run ends with a checkpoint.

use std::io;
use std::process::Child;

use keel_train::runs::RunFolder;

use crate::error::Refusal;

/// Asks the process that writes to the run in `folder` to stop.
///
/// # Errors
/// Fails if no process writes to it, or if that process cannot be reached.
pub(crate) fn stop_run(folder: &RunFolder) -> Result<(), Refusal> {
    let writer = folder.writer().ok_or_else(|| Refusal::conflict("no process is training this run"))?;
    let by_hand = |reason: &str| {
        Refusal::conflict(format!("{}: {reason}; stop it with Ctrl-C where it was started", writer.name))
    };
    let process = writer.process.ok_or_else(|| by_hand("its process number is unknown"))?;
    if !holds_lock(process, folder) {
        return Err(by_hand("it runs on another machine, in a container or for another user"));
    }
    signal(process).map_err(|error| by_hand(&error.to_string()))
}

/// Asks a process of this studio to stop.
#[cfg(unix)]
pub(super) fn interrupt(child: &mut Child) -> io::Result<()> {
    signal(child.id())
}

/// Ends a process of this studio, which keeps its last checkpoint: this system has no Ctrl-C for another process.
#[cfg(not(unix))]
pub(super) fn interrupt(child: &mut Child) -> io::Result<()> {
    child.kill()
}

/// Returns true if `process` has the lock file of the run open: the number in the file may come from another machine,
/// or may by now belong to a different process.
#[cfg(target_os = "linux")]
fn holds_lock(process: u32, folder: &RunFolder) -> bool {
    let Ok(lock) = folder.lock_file().canonicalize() else { return false };
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| file.path().read_link().ok()).any(|open| open == lock)
}

/// On other systems the file is trusted.
#[cfg(not(target_os = "linux"))]
fn holds_lock(_: u32, _: &RunFolder) -> bool {
    true
}

#[cfg(unix)]
fn signal(process: u32) -> io::Result<()> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    // Zero and negative numbers refer to process groups or all processes.
    let process = i32::try_from(process).ok().filter(|&process| process > 1);
    let process = process.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    kill(Pid::from_raw(process), Signal::SIGINT).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn signal(_: u32) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
