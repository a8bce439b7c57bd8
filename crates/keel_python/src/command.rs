//! The command line.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line with `arguments`, beginning with the name of the program, and returns its exit status.
#[pyfunction]
pub(crate) fn run_command(python: Python<'_>, arguments: Vec<OsString>) -> u8 {
    python.detach(|| exit_status(arguments))
}

fn exit_status(arguments: Vec<OsString>) -> u8 {
    // `ExitCode` does not expose its number.
    let ended = keel_program::run(arguments);
    (0..=u8::MAX).find(|&status| ended == std::process::ExitCode::from(status)).unwrap_or(2)
}
