//! Reporting of tests that cannot run on a machine as skipped, so that the gate can count them.

use std::fs::OpenOptions;
use std::io::Write;

/// Environment variable with the file to which each skipped test adds a line; `cargo xtask ci` sets it.
pub const SKIPPED_TESTS: &str = "EVENKEEL_SKIPPED_TESTS";

/// Reports on standard error that `test` is skipped and why, and adds the line to the file named by [`SKIPPED_TESTS`].
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub fn skipped(test: &str, reason: &str) {
    let line = format!("skipped {test}: {reason}");
    eprintln!("{line}");
    let Some(path) = std::env::var_os(SKIPPED_TESTS) else { return };
    // One write of one short line in append mode, so that lines of several processes do not mix.
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    assert!(written.is_ok(), "cannot note the skipped test in {}: {written:?}", path.display());
}
